import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { forgesOf } from '../forges/configured.ts'
import { forgesFrom } from '../forges/forges.ts'
import { github } from '../forges/github/github.ts'
import type { CommentTarget } from '../forges/target.ts'
import { readEnvironment } from '../lib/environment.ts'
import { GiveUp } from '../lib/error.ts'
import { silentLog } from '../lib/log.ts'
import { valueFinder } from '../untrusted/value-finder.ts'
import type { Output } from './output.ts'
import type { Author } from './publish.ts'
import { publish, publishers } from './publish.ts'

const fake = await openFakeGithub()
const repo = await fake.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': 'shop\n' } })
const auth = { token: fake.addToken({ login: 'acme' }) }
const forges = forgesFrom({ github: github({ apiUrl: fake.apiUrl, auth, log: silentLog, readRetries: 0 }) })
afterAll(() => fake.close())
const a = { id: 'a', policy: { repositories: ['acme/shop'] } }
const guard = { signal: new AbortController().signal, confirm: async () => {} }

function comment(target: CommentTarget, key = 'review'): Output {
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
  await expect(publish(forges, comment({ issue }), a)).rejects.toThrow(/did not answer/)
  const again = await publish(forges, comment({ issue }), a)
  const [only, ...others] = await repo.issueComments(issue)
  expect(others).toEqual([])
  expect(again).toEqual({ url: only?.html_url, number: issue, created: false })
  expect(only?.body).toBe('All good.\n\n<!-- signalbox:key=job=a/review -->')
  expect(await publish(forges, comment({ issue }, 'second'), a)).toMatchObject({ created: true })
  expect(await publish(forges, comment({ issue }), { ...a, id: 'b' })).toMatchObject({ created: true })
  expect(await repo.issueComments(issue)).toHaveLength(3)
})

test('a commit is commented once', async () => {
  const commit = (await repo.head()) ?? ''
  const first = await publish(forges, comment({ commit }), a)
  expect(first).toMatchObject({ sha: commit, created: true })
  expect(await publish(forges, comment({ commit }), a)).toEqual({ ...first, created: false })
  expect(await repo.commitComments(commit)).toHaveLength(1)
})

test('a pull request is commented on and labelled by its own number', async () => {
  await repo.commit({ message: 'm', files: { a: 'b' }, branch: 'feature' })
  const { number: pullRequest } = await repo.openPullRequest({ title: 'p', head: 'feature' })
  const said = comment({ pullRequest })
  const first = await publish(forges, said, a)
  expect(first).toMatchObject({ number: pullRequest, created: true })
  expect(await publish(forges, said, a)).toEqual({ ...first, created: false })
  const labelled: Output = { kind: 'labels', repository: repo.fullName, target: { pullRequest }, labels: ['reviewed'] }
  expect(await publish(forges, labelled, a)).toMatchObject({ number: pullRequest })
  const pull = (await repo.pulls()).find(({ number }) => number === pullRequest)
  expect(pull?.labels).toMatchObject([{ name: 'reviewed' }])
})

test('labels are added, however often', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const output: Output = { kind: 'labels', repository: repo.fullName, target: { issue }, labels: ['triaged'] }
  for (let time = 0; time < 2; time += 1) {
    expect(await publish(forges, output, a)).toMatchObject({ number: issue, created: false })
  }
  expect((await repo.issues()).find(({ number }) => number === issue)?.labels).toMatchObject([{ name: 'triaged' }])
})

test('what the policy refuses is never sent', async () => {
  const before = fake.requests.length
  const output = comment({ issue: 1 })
  await expect(publish(forges, output, { id: 'a', policy: { repositories: ['other/*'] } })).rejects.toThrow(GiveUp)
  expect(fake.requests).toHaveLength(before)
})

test('the repository may name its forge, and the receipt is the same', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const first = await publish(forges, comment({ issue }), a)
  const named = { ...comment({ issue }), repository: `github:${repo.fullName}` }
  expect(await publish(forges, named, a)).toEqual({ ...first, created: false })
})

test('a repository of a forge that is not configured is not worth a retry', async () => {
  const elsewhere = { ...comment({ issue: 1 }), repository: 'gitlab:acme/shop' }
  const published = publish(forges, elsewhere, a)
  await expect(published).rejects.toThrow(GiveUp)
  await expect(published).rejects.toThrow('not configured; configured: github.')
})

/** Writes one output as the publisher of a job does. */
async function write(job: Author, output: Output, forgesOfIt = forges) {
  const publisher = publishers({ forges: forgesOfIt, isOwn: valueFinder(['own-secret-number-1']), log: silentLog })(
    job,
    [output],
  )
  try {
    return await publisher.publish(output, guard)
  } finally {
    await publisher.close()
  }
}

test('without a forge the publisher names the variables to set', async () => {
  const published = write(a, comment({ issue: 1 }), forgesOf(readEnvironment({}), silentLog))
  await expect(published).rejects.toThrow(GiveUp)
  await expect(published).rejects.toThrow(/set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY/)
})

test('the publisher keeps to the policy that the job has, and lets no secret out', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const elsewhere = { id: 'a', policy: { repositories: ['other/*'] } }
  await expect(write(elsewhere, comment({ issue }))).rejects.toThrow(
    'The repository acme/shop is not one that the rule may write to (only other/*); its `repositories` can name it.',
  )
  await expect(write({ id: 'a', policy: null }, comment({ issue }))).rejects.toThrow('(none is)')
  await expect(write(a, { ...comment({ issue }), body: 'own-secret-number-1' } as Output)).rejects.toThrow(
    'has a secret',
  )
  expect(await write(a, comment({ issue }))).toMatchObject({ number: issue, created: true })
  expect(await repo.issueComments(issue)).toHaveLength(1)
})

test('what the forge protects is refused, unless the rule says otherwise', async () => {
  const workflow: Output = {
    kind: 'pull_request',
    repository: repo.fullName,
    branch: 'agenta/ci',
    title: 'CI',
    body: '',
    commitMessage: 'CI',
    changes: [{ path: '.github/workflows/ci.yml', content: 'on: push\n' }],
    key: 'ci',
  }
  await expect(publish(forges, workflow, a)).rejects.toThrow(/ci\.yml is protected/)
  const policy = { ...a.policy, outputs: { pull_request: { protectedPaths: ['!.github/workflows/**'] } } }
  expect(await publish(forges, workflow, { id: 'a', policy })).toMatchObject({ created: true })
})

test('a body that is too long for the forge is cut, and keeps its marker', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const long = { ...comment({ issue }), body: 'é'.repeat(200_000) }
  await publish(forges, long, a)
  expect(await publish(forges, long, a)).toMatchObject({ created: false })
  const [only] = await repo.issueComments(issue)
  expect(only?.body).toHaveLength(65_000)
  expect(only?.body).toMatch(/\*\(cut: too long\)\*\n\n<!-- signalbox:key=job=a\/review -->$/)
})
