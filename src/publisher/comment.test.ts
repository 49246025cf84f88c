// Sticky comments; what is said once is tested in publish.test.ts.
import { afterAll, expect, test } from 'vitest'
import type { CommentOutput } from './comment.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'

const stage = await openKindsStage()
const { send, forgeWith } = stage
const repo = await stage.makeRepository()
afterAll(() => stage.close())

function sticky(issue: number, body: string): CommentOutput {
  return { kind: 'comment', repository: repo.fullName, target: { issue }, body, key: 'status', sticky: true }
}

function at(day: number): Date {
  return new Date(Date.UTC(2026, 0, day))
}

async function bodies(issue: number) {
  return (await repo.issueComments(issue)).map(({ body }) => body.split('\n')[0])
}

test('a sticky comment is one for its target and key, whichever jobs write it', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const first = await send(sticky(issue, 'started'), { id: 'a', createdAt: at(1) })
  expect(first).toMatchObject({ created: true })
  expect(await send(sticky(issue, 'done'), { id: 'b', createdAt: at(2) })).toEqual({ ...first, created: false })
  await send({ ...sticky(issue, 'other'), key: 'other' })
  const other = await repo.openIssue({ title: 'y' })
  await send(sticky(other.number, 'elsewhere'))
  expect(await bodies(issue)).toEqual(['done', 'other'])
  expect(await bodies(other.number)).toEqual(['elsewhere'])
})

test('of the comments of one key of a job, only a sticky one is edited: another stays the first', async () => {
  const { number: issue } = await repo.openIssue({ title: 'z' })
  const once: CommentOutput = { ...sticky(issue, 'first'), sticky: false }
  const first = await send(once)
  expect(await send({ ...once, body: 'second' })).toEqual({ ...first, created: false })
  expect(await bodies(issue)).toEqual(['first'])
})

test('what an earlier job says later does not replace what a later one said', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  await send(sticky(issue, 'of the second'), { id: 'b', createdAt: at(2) })
  await send(sticky(issue, 'of the first'), { id: 'a', createdAt: at(1) })
  expect(await bodies(issue)).toEqual(['of the second'])
})

test('a marker in the comment of somebody else is not believed', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  await repo.comment(issue, 'mine <!-- signalbox:key=sticky=status key=job=a/once -->', 'mallory')
  await send(sticky(issue, 'ours'))
  await send({ kind: 'comment', repository: repo.fullName, target: { issue }, body: 'once', key: 'once' })
  expect((await bodies(issue)).slice(1)).toEqual(['ours', 'once'])
  expect((await bodies(issue))[0]).toContain('mine')
})

test('with a token of which nobody says whose it is, a program’s comments are ours and a person’s are not', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const token = stage.fake.addToken({ login: stage.bot, permissions: { issues: 'write' } })
  const forge = forgeWith({ as: { token } })
  expect(await forge.account(repo.fullName)).toBe(null)
  await repo.comment(issue, 'a person <!-- signalbox:key=sticky=status -->', 'mallory')
  await send(sticky(issue, 'first'), { id: 'a' }, forge)
  await send(sticky(issue, 'second'), { id: 'a' }, forge)
  expect((await bodies(issue)).slice(1)).toEqual(['second'])
})

test('two jobs that write the first one at the same moment leave one', async () => {
  const { number: issue } = await repo.openIssue({ title: 'x' })
  const route = '/repos/{owner}/{repo}/issues/{issue_number}/comments'
  const write = async () => {
    const other = { ...sticky(issue, 'of the other'), repository: repo.fullName }
    await send(other, { id: 'b', createdAt: at(2) })
  }
  stage.fake.faults.add({ method: 'POST', route, before: write })
  await send(sticky(issue, 'of this'), { id: 'a', createdAt: at(3) })
  expect(await bodies(issue)).toEqual(['of this'])
  const commit = (await repo.head()) ?? ''
  const about: CommentOutput = { ...sticky(1, 'of a commit'), target: { commit } }
  await send(about)
  await send({ ...about, body: 'again' })
  expect((await repo.commitComments(commit)).map(({ body }) => body.split('\n')[0])).toEqual(['again'])
})
