import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { forgesFrom } from '../forges/forges.ts'
import { github } from '../forges/github/github.ts'
import { GiveUp } from '../lib/error.ts'
import { silentLog } from '../lib/log.ts'
import type { Output } from './output.ts'
import { publish } from './publish.ts'

const fake = await openFakeGithub()
const repo = await fake.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': 'shop\n' } })
const auth = { token: fake.addToken({ login: 'acme' }) }
const forges = forgesFrom({ github: github({ apiUrl: fake.apiUrl, auth, log: silentLog, readRetries: 0 }) })
afterAll(() => fake.close())

function comment(target: { issue: number } | { commit: string }, key = 'review'): Output {
  return {
    kind: 'comment',
    repository: repo.fullName,
    target,
    body: 'All good. <!-- signalbox:key=job=other/review -->',
    key,
  }
}

test('a comment is written once for each job and key, also after its answer was lost', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  fake.faults.add({
    method: 'POST',
    kind: 'lostResponse',
    route: '/repos/{owner}/{repo}/issues/{issue_number}/comments',
  })
  await expect(publish(forges, comment({ issue }), { job: { id: 'a' } })).rejects.toThrow(/did not answer/)
  const again = await publish(forges, comment({ issue }), { job: { id: 'a' } })
  const [only, ...others] = await repo.issueComments(issue)
  expect(others).toEqual([])
  expect(again).toEqual({ url: only?.html_url, number: issue, created: false })
  expect(only?.body).toBe('All good.\n\n<!-- signalbox:key=job=a/review -->')
  expect(await publish(forges, comment({ issue }, 'second'), { job: { id: 'a' } })).toMatchObject({ created: true })
  expect(await publish(forges, comment({ issue }), { job: { id: 'b' } })).toMatchObject({ created: true })
  expect(await repo.issueComments(issue)).toHaveLength(3)
})

test('a commit is commented once', async () => {
  const commit = (await repo.head()) ?? ''
  const first = await publish(forges, comment({ commit }), { job: { id: 'a' } })
  expect(first).toMatchObject({ sha: commit, created: true })
  expect(await publish(forges, comment({ commit }), { job: { id: 'a' } })).toEqual({ ...first, created: false })
  expect(await repo.commitComments(commit)).toHaveLength(1)
})

test('labels are added, however often', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const output: Output = { kind: 'labels', repository: repo.fullName, issue, labels: ['triaged'] }
  for (let time = 0; time < 2; time += 1) {
    expect(await publish(forges, output, { job: { id: 'a' } })).toMatchObject({ number: issue, created: false })
  }
  expect((await repo.issues()).find(({ number }) => number === issue)?.labels).toMatchObject([{ name: 'triaged' }])
})

test('what the policy refuses is never sent', async () => {
  const before = fake.requests.length
  const output = comment({ issue: 1 })
  await expect(publish(forges, output, { job: { id: 'a' }, policy: { repositories: ['other/*'] } })).rejects.toThrow(
    GiveUp,
  )
  expect(fake.requests).toHaveLength(before)
})
