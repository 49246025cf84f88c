import { afterAll, expect, test } from 'vitest'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import type { IssueOutput } from './issue.ts'

const stage = await openKindsStage()
const { send } = stage
afterAll(() => stage.close())

async function openIssues() {
  const repo = await stage.makeRepository()
  const output: IssueOutput = {
    kind: 'issue',
    repository: repo.fullName,
    title: 'Down',
    body: 'Since 9:00',
    key: 'down',
  }
  const look = async () =>
    (await repo.issues()).map(({ number, state, title, body }) => [number, state, title, body?.split('\n')[0]])
  return { repo, output, look }
}

test('the issue of a key is opened once, edited by later jobs, and closed', async () => {
  const { output, look, repo } = await openIssues()
  const first = await send(output)
  expect(first).toMatchObject({ number: 1, created: true })
  const edited = { ...output, title: 'Still down', body: 'Since 9:00, and now', labels: ['bug'] }
  expect(await send(edited, { id: 'b' })).toEqual({ ...first, created: false })
  expect(await look()).toEqual([[1, 'open', 'Still down', 'Since 9:00, and now']])
  const closed = { ...edited, state: 'closed', reason: 'not_planned' } as const
  expect(await send(closed, { id: 'c' })).toMatchObject({ number: 1 })
  const [issue] = await repo.issues()
  expect(issue).toMatchObject({ state: 'closed', state_reason: 'not_planned', labels: [{ name: 'bug' }] })
  await send(edited, { id: 'd' })
  expect(await look()).toEqual([[1, 'closed', 'Still down', 'Since 9:00, and now']])
})

test('an issue that is not there is not opened to be closed', async () => {
  const { output, look } = await openIssues()
  expect(await send({ ...output, state: 'closed' })).toBe(null)
  expect(await look()).toEqual([])
})

test('a marker in the issue of somebody else is not believed, and an earlier job does not edit', async () => {
  const { output, look, repo } = await openIssues()
  await repo.openIssue({ title: 'Mine', body: '<!-- signalbox:key=issue=down -->' }, 'mallory')
  const day = (date: number) => new Date(Date.UTC(2026, 0, date))
  await send(output, { id: 'b', createdAt: day(2) })
  await send({ ...output, title: 'Earlier' }, { id: 'a', createdAt: day(1) })
  expect((await look()).map(([, , title]) => title)).toEqual(['Mine', 'Down'])
})

test('two jobs that open it at the same moment leave one open', async () => {
  const { output, look } = await openIssues()
  const open = () => send({ ...output, body: 'of the other' }, { id: 'b' }).then(() => {})
  stage.fake.faults.add({ method: 'POST', route: '/repos/{owner}/{repo}/issues', before: open })
  expect(await send(output)).toMatchObject({ number: 1, created: false })
  expect(await look()).toEqual([
    [1, 'open', 'Down', 'Since 9:00'],
    [2, 'closed', 'Down', 'Since 9:00'],
  ])
})
