// What somebody who may not start a job can do to the jobs of those who may: nothing.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

let begun: (string | undefined)[]
let finish: PromiseWithResolvers<void>
const worker = defineAgent({
  name: 'worker',
  description: 'Works until it may finish.',
  input: z.looseObject({ amount: z.number().optional() }),
  async run({ event, signal }) {
    begun.push(event?.facts.sender)
    const stopped = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    await Promise.race([finish.promise, stopped])
    return {}
  },
})
const perIssue = '{repository}#{number}'
const rule: Rule = { name: 'work', on: 'issue_comment.created', agent: 'worker' }

let github: FakeGithub
let shop: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  begun = []
  finish = Promise.withResolvers()
  github = await openFakeGithub()
  shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators: { jane: 'write', john: 'write', signalbox: 'write' },
    files: { 'README.md': '# Shop\n' },
  })
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
})

async function open(rules: readonly Rule[]): Promise<number> {
  signalbox = await openTestSignalbox({
    config: { agents: [worker], rules },
    env: { GITHUB_TOKEN: github.addToken({ login: 'signalbox' }), GITHUB_API_URL: github.apiUrl },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  return (await shop.openIssue({ title: 'Bug' }, 'jane')).number
}
type Row = { by: string; status: string; error: string | null; attempt: number; failures: number; deferrals: number }
async function jobs(): Promise<Row[]> {
  const { rows } = await signalbox.database.query<Row>(
    `select e.actor as by, j.status, j.error, attempt, failures, deferrals
     from signalbox.jobs j join signalbox.events e on e.id = event_id order by e.id`,
  )
  return rows
}
/** The jobs once the last one has the status. */
function last(status: string, count: number): Promise<Row[]> {
  return until(`${count} jobs, the last ${status}`, async () => {
    const rows = await jobs()
    return rows.length === count && rows.at(-1)?.status === status && rows
  })
}
function working(count: number) {
  return until(`${count} jobs work`, async () => begun.length === count)
}
const refused = {
  by: 'mallory',
  status: 'cancelled',
  error: expect.stringContaining('`mallory` has no write permission'),
}

test('supersedes no job that runs; somebody who may does', async () => {
  const number = await open([{ ...rule, concurrency: { key: perIssue, mode: 'latest' } }])
  await shop.comment(number, 'please work', 'jane')
  await working(1)
  await shop.comment(number, 'hello', 'mallory')
  expect(await last('cancelled', 2)).toMatchObject([{ by: 'jane', status: 'running', attempt: 1 }, refused])
  await shop.comment(number, 'again', 'john')
  await working(2)
  finish.resolve()
  expect(await last('completed', 3)).toMatchObject([
    { by: 'jane', status: 'cancelled', error: expect.stringContaining('Superseded') },
    refused,
    { by: 'john', attempt: 1, failures: 0, deferrals: 0 },
  ])
})

test('supersedes and delays no job that is debounced; those who may share one', async () => {
  const concurrency = { key: perIssue, mode: 'latest' } as const
  const number = await open([{ ...rule, concurrency, debounce: { quietMs: 1500, maxMs: 10_000 } }])
  finish.resolve()
  await shop.comment(number, 'please', 'jane')
  await shop.comment(number, 'please work', 'john')
  await shop.comment(number, 'hello', 'mallory')
  await last('cancelled', 3)
  expect(begun).toEqual([])
  await until('one is done', async () => (await jobs())[1]?.status === 'completed')
  expect(await jobs()).toMatchObject([
    { by: 'jane', status: 'cancelled' },
    { by: 'john', status: 'completed' },
    refused,
  ])
  expect(begun).toEqual(['john'])
})

test('keeps nobody from making a job while GitHub is away; those who may do', async () => {
  const number = await open([{ ...rule, concurrency: { key: perIssue, mode: 'skip' } }])
  github.faults.add({ route: /mallory\/permission$/, kind: 'status', status: 503, times: 1000 })
  await shop.comment(number, 'hello', 'mallory')
  await until('it cannot be asked', async () => (await jobs())[0]?.error?.includes('503'))
  await shop.comment(number, 'please work', 'jane')
  await working(1)
  await shop.comment(number, 'please work', 'john')
  const [ofMallory, ofJane, ofJohn] = await last('cancelled', 3)
  expect(ofMallory?.status).not.toBe('cancelled')
  expect(ofJane).toMatchObject({ status: 'running', attempt: 1 })
  expect(ofJohn?.error).toMatch(/^skipped: job .* of "acme\/shop#1" has not ended$/)
  expect(begun).toEqual(['jane'])
  finish.resolve()
})

test('of two who may at one moment, the one who came second is skipped', async () => {
  const number = await open([{ ...rule, concurrency: { key: perIssue, mode: 'skip' } }])
  await Promise.all([shop.comment(number, 'one', 'jane'), shop.comment(number, 'two', 'jane')])
  await last('cancelled', 2)
  await working(1)
  finish.resolve()
  expect(await until('the first is done', async () => (await jobs())[0]?.status === 'completed')).toBe(true)
})

test('holds no place of a group while it is asked', async () => {
  const number = await open([{ ...rule, concurrency: { key: perIssue } }])
  await shop.comment(number, 'please work', 'jane')
  await working(1)
  // It could not be asked before the other has ended, otherwise.
  await shop.comment(number, 'hello', 'mallory')
  expect(await last('cancelled', 2)).toMatchObject([{ status: 'running' }, refused])
  finish.resolve()
})

test('uses up no ceiling, however often they try', async () => {
  const number = await open([{ ...rule, ceiling: { perHour: 2 } }])
  finish.resolve()
  for (let i = 0; i < 4; i++) await shop.comment(number, `hello ${i}`, 'mallory')
  await last('cancelled', 4)
  await shop.comment(number, 'please work', 'jane')
  expect((await last('completed', 5)).at(-1)).toMatchObject({ by: 'jane' })
  expect(await signalbox.count('signalbox.rule_states')).toBe(0)
})

test('pauses no rule by jobs that cannot be asked about', async () => {
  const number = await open([{ ...rule, maxAttempts: 1 }])
  github.faults.add({ route: /mallory\/permission$/, kind: 'status', status: 400, times: 1000 })
  finish.resolve()
  for (let i = 0; i < 3; i++) await shop.comment(number, `hello ${i}`, 'mallory')
  await last('failed', 3)
  await until('all have failed', async () => (await jobs()).every(({ status }) => status === 'failed'))
  await shop.comment(number, 'please work', 'jane')
  expect((await last('completed', 4)).at(-1)).toMatchObject({ by: 'jane' })
})
