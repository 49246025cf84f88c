// What a review costs follows what changed: a burst of pushes is one review, and what was read is
// not read again.
import { afterEach, expect, test } from 'vitest'
import type { AskedModel } from '../fake-model/fake-model.ts'
import type { Stage } from './stage.ts'
import { answerWith, charsAsked, openStage } from './stage.ts'

let stage: Stage
afterEach(() => stage?.close())

/** A file as large as many that people change. */
function file(name: string, version: number): string {
  const lines = Array.from(
    { length: 60 },
    (_, at) => `  if (order.line${at} > ${version}) total = total + rate('${name}', ${at})`,
  )
  return `export function ${name}(order: Order, total: number): number {\n${lines.join('\n')}\n  return total\n}\n`
}

const NAMES = Array.from({ length: 20 }, (_, at) => `part${at}`)

function files(version: (at: number) => number): Record<string, string> {
  return Object.fromEntries(NAMES.map((name, at) => [`src/${name}.ts`, file(name, version(at))]))
}

function filesIn(requests: readonly AskedModel[]): string[] {
  return requests.flatMap(({ messages }) =>
    [...messages.join('').matchAll(/^File: (\S+)$/gm)].map(([, path = '']) => path),
  )
}

test('six pushes in a burst leave one review, of the newest commit, for the tokens of one; a seventh costs what it touches', async () => {
  stage = await openStage({
    hasModel: true,
    files: files(() => 0),
    rule: { debounce: { quietMs: 700, maxMs: 20_000 } },
  })
  const { propose, jobs, model, shop, reviews, comments, checks } = stage
  model.answers(answerWith({ path: 'src/part3.ts', line: 4, title: 'The rate is added twice.' }))
  const alone = await propose(files(() => 1))
  await jobs()
  const one = charsAsked(model.requests)
  expect(filesIn(model.requests).toSorted()).toEqual(NAMES.map((name) => `src/${name}.ts`).toSorted())
  expect(await comments(alone.number)).toHaveLength(1)

  model.requests.length = 0
  const { number, branch } = await propose(files(() => 2))
  let newest = ''
  for (let n = 3; n <= 7; n++)
    newest = await shop.commit({ message: `Push ${n}`, branch, files: files(() => n), author: 'jane' })
  const all = await jobs()
  expect(all.filter(({ status }) => status === 'completed')).toHaveLength(2)
  expect(await reviews(number)).toMatchObject([{ commit_id: newest }])
  expect(await checks(newest)).toMatchObject([{ status: 'completed', conclusion: 'neutral' }])
  const burst = charsAsked(model.requests)
  expect(burst / one).toBeLessThanOrEqual(1.2)

  model.requests.length = 0
  model.answers(answerWith())
  await shop.commit({ message: 'One file', branch, files: { 'src/part9.ts': file('part9', 99) }, author: 'jane' })
  await jobs()
  expect(filesIn(model.requests)).toEqual(['src/part9.ts'])
  expect(charsAsked(model.requests) / one).toBeLessThanOrEqual(0.2)
  expect(await reviews(number)).toHaveLength(1)
}, 120_000)

test('a job that supersedes another reads only what that has not read', async () => {
  stage = await openStage({ hasModel: true, files: files(() => 0), options: { chunkChars: 12_000 } })
  const { propose, jobs, model, shop, reviews } = stage
  let asked = 0
  model.answers(() => (++asked <= 3 ? answerWith() : 'stall'))
  const { number, branch } = await propose(files(() => 1))
  while (asked < 6) await model.asked()
  const before = filesIn(model.requests)
  model.requests.length = 0
  model.answers(answerWith())
  const newest = await shop.commit({
    message: 'One file',
    branch,
    files: { 'src/part9.ts': file('part9', 2) },
    author: 'jane',
  })
  const all = await jobs()
  expect(all.map(({ status }) => status)).toEqual(['cancelled', 'completed'])
  const after = filesIn(model.requests)
  expect(new Set([...before, ...after]).size).toBe(20)
  expect(after.length).toBeLessThan(18)
  expect(all.at(-1)?.result).toMatchObject({ reviewed: newest, files: { carried: 20 - after.length, unread: 0 } })
  expect(await reviews(number)).toEqual([])
}, 120_000)
