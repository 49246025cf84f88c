// Rules on the past: those of the server, and those of a draft, against what happened.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backtest } from '../src/cli/backtest.ts'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import type { DescribedApi } from './described-api.ts'
import { describedApi } from './described-api.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, TOKEN } from './signalbox.ts'
import { call, cliOf } from './terminal.ts'

const EVENTS = 4500
const page = readFileSync(new URL('../docs/replay.md', import.meta.url), 'utf8')

let database: Database
let signalbox: TestSignalbox
let api: DescribedApi
let folder: string
beforeAll(async () => {
  database = await openTestDatabase()
  signalbox = await openTestSignalbox({
    database,
    config: { rules: [{ name: 'review', on: 'push', agent: 'ping', when: { branch: 'main' } }] },
    roles: { receiver: true, orchestrator: false },
  })
  api = await describedApi(signalbox)
  await database.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, subject, facts, body, received_at)
     select gen_random_uuid(), 'github', n::text, case when n % 3 = 0 then 'release.published' else 'push' end, 'ignored', 'x',
       'acme/shop@' || case when n % 2 = 0 then 'main' else 'dev' end,
       json_build_object('repository', 'acme/shop', 'branch', case when n % 2 = 0 then 'main' else 'dev' end), '{}',
       now() - interval '1 day' + n * interval '1 second'
     from generate_series(1, ${EVENTS}) n`,
  )
  await database.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, finished_at)
     select gen_random_uuid(), id, 'review', 'ping', 'ping', '{}', 5, 5, 900000, 'completed', now()
     from signalbox.events where type = 'push' and delivery_id::int % 2 = 0 and delivery_id::int <= 600`,
  )
  await database.query(
    `insert into signalbox.job_attempts (job_id, attempt, owner, outcome, started_at, finished_at)
     select id, 1, gen_random_uuid(), 'completed', now() - interval '2 seconds', now() from signalbox.jobs`,
  )
  await database.query(
    `insert into signalbox.job_model_calls (job_id, attempt, model, input_tokens, output_tokens, usd, took_ms)
     select id, 1, 'm', 90, 10, 0.01, 5 from signalbox.jobs`,
  )
  folder = await mkdtemp(join(tmpdir(), 'signalbox-backtest-'))
  const index = new URL('../src/index.ts', import.meta.url).href
  await writeFile(
    join(folder, 'draft.ts'),
    `import { defineConfig } from '${index}'
export default defineConfig({ rules: [
  { name: 'review', on: 'push', agent: 'ping', when: { branch: 'dev' } },
  { name: 'notes', on: 'release.*', agent: 'ping', concurrency: { key: 'notes:{repository}', mode: 'latest' } },
] })`,
  )
})
afterAll(async () => {
  await signalbox.close()
  await database.close()
  await rm(folder, { recursive: true })
})

const made = 200
const ofMain = EVENTS / 3

test('the rules of the server are counted by it, in pages, and nothing is done', async () => {
  const before = await signalbox.count('signalbox.jobs')
  const tested = await cliOf(signalbox).json<Backtest>(['rules', 'backtest', '--since', '2d'])
  expect(tested).toMatchObject({ cut: false, rules_of: `the server ${signalbox.url}` })
  expect(tested.tally.events).toBe(EVENTS)
  expect(tested.tally.rules).toMatchObject([{ rule: 'review', fires: ofMain, same: made, new: ofMain - made, gone: 0 }])
  expect(await signalbox.count('signalbox.jobs')).toBe(before)
  const { out } = await cliOf(signalbox).ask(['rules', 'backtest', '--since', '2d'])
  expect(out).toMatch(/^review +1500 +200 +1300 +0 +150K tokens, \$15\.00, 50 min$/m)
  expect(out).toContain('- The cost of "review" is 1500 times the mean of 200 completed jobs, its own.')
})

test('a draft is loaded here, and tested on the events of the server', async () => {
  const { out, code, err } = await cliOf(signalbox).ask(
    ['rules', 'backtest', '--since', '2d', '--config', 'draft.ts'],
    { folder },
  )
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^4500 events from .* until now, by the rules of draft\.ts\. Nothing was done\.$/m)
  expect(out).toMatch(/^review +1500 +0 +1500 +200 /m)
  expect(out).toMatch(/^notes +1500 +0 +1500 +0 /m)
  expect(out).toMatch(/^ {2}gone +[0-9a-f-]{36} +\d+h +push +acme\/shop@main +[0-9a-f-]{36}$/m)
  const [head] = /^RULE .*$/m.exec(page) ?? []
  const words = (line = '') => line.split(/ {2,}/)
  expect(words(/^RULE .*$/m.exec(out)?.[0])).toEqual(words(head))
  expect(out).toContain('- Of "notes" fewer are done, because its mode is latest.')
  expect(out).toContain('those of the agent ping')
})

test('a draft is tested on the database where no server runs', async () => {
  const env = { SIGNALBOX_URL: 'http://127.0.0.1:9', SIGNALBOX_API_TOKEN: TOKEN, DATABASE_URL: database.url }
  const args = ['rules', 'backtest', '--since', '2d', '--config', 'draft.ts', '--rule', 'notes', '--json']
  const { out, code, err } = await call(args, { env, folder })
  expect([code, err]).toEqual([0, ''])
  expect((JSON.parse(out) as Backtest).tally).toMatchObject({
    events: EVENTS,
    rules: [{ rule: 'notes', fires: ofMain }],
  })
  const server = await call(['rules', 'backtest'], { env, folder })
  expect(server).toMatchObject({ code: 1, err: expect.stringContaining('--local') })
})

test('it ends at its limit and says so, and shows how far it is on a terminal only', async () => {
  const { ask } = cliOf(signalbox)
  const args = ['rules', 'backtest', '--since', '2d', '--limit', '2500']
  const shown = await ask(args, { columns: 120 })
  expect(shown.out).toMatch(/^2500 events .* There are more: --limit ended it\./)
  expect(shown.err).toContain('2000 events, up to ')
  expect((await ask(args)).err).toBe('')
})

test('what there is not is refused', async () => {
  expect(await api.get('/backtests?since=2026-01-01T00:00:00Z&rule=nope')).toMatchObject({ status: 404 })
  expect(await api.get('/backtests/events?since=2026-01-01T00:00:00Z&after=nope')).toMatchObject({ status: 422 })
  expect((await api.get('/backtests/events?since=2026-01-01T00:00:00Z&limit=2')).body.items).toMatchObject([
    { made: [] },
    {},
  ])
  expect((await api.get('/backtests/costs')).body.items).toMatchObject([{ rule: 'review', jobs: made, tokens: 20_000 }])
  const draft = ['rules', 'backtest', '--config', 'draft.ts', '--rule', 'nope']
  expect(await cliOf(signalbox).ask(draft, { folder })).toMatchObject({
    code: 1,
    err: expect.stringContaining('no rule "nope"'),
  })
})
