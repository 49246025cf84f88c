// A second review of a pull request: what is new is said, what was said is not, what was mended is
// resolved, and what people refused stays refused.
import { afterEach, expect, test } from 'vitest'
import type { Stage, StageOptions } from './stage.ts'
import { answerWith, openStage, sum } from './stage.ts'

let stage: Stage
afterEach(() => stage?.close())

async function open(options: StageOptions = {}): Promise<Stage> {
  stage = await openStage({ hasModel: true, ...options })
  return stage
}

type Row = {
  title: string
  status: string
  reason: string | null
  line: number | null
  thread: string | null
  comment_url: string | null
}

async function ledger(): Promise<Row[]> {
  const { rows } = await stage.signalbox.database.query<Row>(
    'select title, status, reason, line, thread, comment_url from signalbox.findings order by created_at, title',
  )
  return rows
}

const WRONG = { path: 'src/sum.ts', line: 2, title: 'It subtracts.' }

test('the same head is not reviewed again, unless somebody who may asks, who hears nothing twice', async () => {
  const { propose, jobs, model, reviews, as, shop, checks } = await open()
  model.answers(answerWith(WRONG))
  const { number, sha } = await propose({ 'src/sum.ts': sum('return a - b') })
  await jobs()
  await as('jane', 'PATCH', `pulls/${number}`, { state: 'closed' })
  await as('jane', 'PATCH', `pulls/${number}`, { state: 'open' })
  await shop.comment(number, '/review', 'mallory')
  await shop.comment(number, '/review', 'jane')
  const all = await jobs()
  expect(all.map(({ rule, status }) => [rule, status])).toEqual([
    ['review-pull-request', 'completed'],
    ['review-pull-request', expect.stringMatching(/completed|cancelled/)],
    ['review-pull-request', 'completed'],
    ['review-command', 'cancelled'],
    ['review-command', 'completed'],
  ])
  expect(await reviews(number)).toHaveLength(1)
  expect(model.requests).toHaveLength(1)
  expect(await ledger()).toMatchObject([{ title: 'It subtracts.', status: 'open', comment_url: expect.any(String) }])
  expect(
    (await checks(sha)).every(({ status, conclusion }) => status === 'completed' && conclusion === 'neutral'),
  ).toBe(true)
}, 90_000)

test('a rebased change that is the same settles its check, asks nobody and says nothing', async () => {
  const { propose, jobs, model, reviews, shop, as, checks, github } = await open()
  model.answers(answerWith(WRONG))
  const { number, branch } = await propose({ 'src/sum.ts': sum('return a - b') })
  await jobs()
  await shop.commit({ message: 'Elsewhere', files: { 'README.md': '# The shop\n' } })
  const main = await shop.head('main')
  await jobs()
  const asked = model.requests.length
  await shop.commit({ message: 'Rebased', branch: 'rebased', files: { 'src/sum.ts': sum('return a - b') } })
  const head = await shop.head('rebased')
  await as('acme', 'PATCH', `git/refs/heads/${branch}`, { sha: head, force: true })
  await github.settled()
  const all = await jobs()
  expect(all.filter(({ rule }) => rule === 'review-pull-request').at(-1)?.result).toMatchObject({
    reviewed: head,
    open: 1,
  })
  expect(await checks(head ?? '')).toMatchObject([
    {
      status: 'completed',
      conclusion: 'neutral',
      output: { summary: expect.stringContaining('The same change was reviewed') },
    },
  ])
  expect(model.requests).toHaveLength(asked)
  expect(await reviews(number)).toHaveLength(1)
  expect(main).not.toBeNull()
}, 90_000)

test('a finding whose code is mended is resolved in its thread; one whose code stands is open, though the model no longer says it', async () => {
  const { propose, jobs, model, comments, shop, thread, checks, reviews } = await open()
  model.answers(answerWith(WRONG, { path: 'src/sum.ts', line: 1, title: 'The name is taken.' }))
  const { number, branch } = await propose({ 'src/sum.ts': sum('return a - b') })
  await jobs()
  const said = await comments(number)
  expect(said).toHaveLength(2)
  model.answers(answerWith())
  const mended = await shop.commit({
    message: 'Mend',
    branch,
    files: { 'src/sum.ts': `// Adds.\n${sum('return a + b + 0')}` },
    author: 'jane',
  })
  await jobs()
  const [wrong, name] = ['It subtracts', 'The name is taken'].map(
    (title) => said.find(({ body }) => body.includes(title))?.id ?? 0,
  )
  expect(await thread(number, wrong ?? 0)).toMatchObject({
    isResolved: true,
    answers: [expect.stringContaining(`Resolved by \`${mended.slice(0, 7)}\``)],
  })
  expect(await thread(number, name ?? 0)).toMatchObject({ isResolved: false, answers: [] })
  expect(await ledger()).toMatchObject([
    { title: 'It subtracts.', status: 'resolved' },
    { title: 'The name is taken.', status: 'open', line: 2, thread: expect.any(String) },
  ])
  expect(await reviews(number)).toHaveLength(1)
  expect(await checks(mended)).toMatchObject([{ conclusion: 'neutral', output: { title: '1 finding' } }])
}, 90_000)

test('what people who may write refuse stays refused, whatever others say', async () => {
  const { propose, jobs, model, comments, shop, as, resolveThread, reviews, checks } = await open({
    files: { 'README.md': '# Shop\n', 'src/sum.ts': sum(), 'src/other.ts': 'export const other = 1\n' },
  })
  const five = [1, 2, 3, 4, 5].map((line) => ({ path: 'src/list.ts', line, title: `Number ${line} is wrong.` }))
  model.answers(answerWith(...five))
  const list = Array.from({ length: 5 }, (_, at) => `export const item${at} = ${at}\n`).join('')
  const { number, branch } = await propose({ 'src/list.ts': list })
  await jobs()
  const said = await comments(number)
  const idOf = (line: number) => said.find((comment) => comment.line === line)?.id ?? 0
  await as('jane', 'POST', `pulls/${number}/comments/${idOf(1)}/replies`, { body: "We won't fix this." })
  await as('mallory', 'POST', `pulls/${number}/comments/${idOf(2)}/replies`, { body: "Won't fix" })
  await as('jane', 'POST', `pulls/${number}/comments/${idOf(3)}/replies`, { body: '> not a bug\n\nThank you, I will.' })
  await as('jane', 'POST', `pulls/comments/${idOf(4)}/reactions`, { content: '-1' })
  await resolveThread('jane', idOf(5))
  model.answers(answerWith({ path: 'src/list.ts', line: 1, title: 'The first item is not right.' }))
  const next = await shop.commit({
    message: 'More',
    branch,
    files: { 'src/list.ts': `${list}export const more = 6\n` },
    author: 'jane',
  })
  const all = await jobs()
  expect(all.at(-1)?.error).toBeNull()
  expect((await ledger()).map(({ title, status, reason }) => [title, status, reason])).toEqual([
    ['Number 1 is wrong.', 'dismissed', "jane answered: We won't fix this."],
    ['Number 2 is wrong.', 'open', null],
    ['Number 3 is wrong.', 'open', null],
    ['Number 4 is wrong.', 'dismissed', 'jane reacted with a thumb down'],
    ['Number 5 is wrong.', 'dismissed', 'jane resolved the thread and left the code'],
  ])
  expect(await reviews(number)).toHaveLength(1)
  expect(await checks(next)).toMatchObject([
    { output: { title: '2 findings', summary: expect.stringContaining('3 dismissed by people') } },
  ])
}, 90_000)

test('the end of a pull request settles its findings without a model', async () => {
  const { propose, jobs, model, comments, shop, as } = await open()
  model.answers(answerWith(WRONG, { path: 'src/sum.ts', line: 1, title: 'The name is taken.' }))
  const { number } = await propose({ 'src/sum.ts': sum('return a - b') })
  await jobs()
  const [first] = await comments(number)
  await as('jane', 'POST', `pulls/${number}/comments/${first?.id}/replies`, { body: 'false positive' })
  await shop.closePullRequest(number)
  const all = await jobs()
  expect(all.at(-1)?.result).toEqual({ closed: number, open: 2, dismissed: 1 })
  expect((await ledger()).map(({ status }) => status).toSorted()).toEqual(['dismissed', 'outdated'])
  expect(model.requests).toHaveLength(1)
}, 90_000)

test('a finding on a pushed commit is not repeated by the next push, and a forced push is reviewed from where it parted', async () => {
  const { shop, jobs, as, github } = await open({ hasModel: false })
  const first = await shop.commit({ message: 'One', files: { 'src/a.ts': 'debugger\n' } })
  await jobs()
  const second = await shop.commit({ message: 'Two', files: { 'src/b.ts': 'export const b = 1\n' } })
  await jobs()
  expect(await shop.commitComments(first)).toHaveLength(1)
  expect((await shop.commitComments(second))[0]?.body).toContain('nothing found')
  expect(await ledger()).toMatchObject([{ status: 'open' }])
  const forked = await shop.commit({ message: 'Three', branch: 'forked', files: { 'src/c.ts': 'debugger\n' } })
  await as('acme', 'PATCH', 'git/refs/heads/main', { sha: first, force: true })
  const third = await shop.commit({ message: 'Mend', files: { 'src/a.ts': 'export const a = 1\n' } })
  await github.settled()
  const all = await jobs()
  expect(all.filter(({ status }) => status !== 'completed')).toEqual([])
  expect(all.at(-1)?.result).toMatchObject({ reviewed: third, base: first, resolved: 1 })
  expect(await ledger()).toMatchObject([{ status: 'resolved' }])
  expect(await shop.commitComments(forked)).toEqual([])
}, 90_000)
