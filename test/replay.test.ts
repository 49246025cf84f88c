// Stored events that are done again: by the rules of now, once, and with everything that holds for
// a new event.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import { systemClock } from '../src/lib/clock.ts'
import { newId } from '../src/lib/id.ts'
import { replay as replayStored } from '../src/replay/replay.ts'
import type { Replayed } from '../src/replay/request.ts'
import { compileRules } from '../src/rules/match.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { DescribedApi } from './described-api.ts'
import { describedApi } from './described-api.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const noter = defineAgent({
  name: 'noter',
  description: 'Leaves a comment on the issue.',
  input: z.unknown(),
  async run({ event }) {
    const { repository = '', number = 0 } = event?.facts ?? {}
    return { outputs: [{ kind: 'comment', key: 'n', repository, target: { issue: number }, body: 'Noted.' }] }
  },
})
const review: Rule = { name: 'review', on: 'issues.*', agent: 'noter', who: 'anyone' }

let signalbox: TestSignalbox
let api: DescribedApi
beforeEach(() => open([review]))
afterEach(() => signalbox.close())

async function open(rules: Rule[], orchestrator = false): Promise<void> {
  signalbox = await openTestSignalbox({ config: { agents: [noter], rules }, roles: { receiver: true, orchestrator } })
  api = await describedApi(signalbox)
}

async function reopen(rules: Rule[], orchestrator = false): Promise<void> {
  await signalbox.close()
  await open(rules, orchestrator)
}

type Sent = { number?: number; action?: string; at?: string; type?: string; sender?: string }

/** An issue that was opened, and the id of its event. */
async function send({ number = 1, action = 'opened', at = '2026-01-01T00:00:00Z', sender = 'jane' }: Sent = {}) {
  const body = Buffer.from(
    JSON.stringify({
      action,
      issue: { number, user: { login: sender }, updated_at: at, title: 'x' },
      repository: { full_name: 'acme/shop' },
      sender: { login: sender, type: 'User' },
    }),
  )
  const about = { 'x-github-delivery': newId(), 'x-github-event': 'issues' }
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, about)
  const answer = await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  const { rows } = await signalbox.database.query<{ id: string }>(
    'select id from signalbox.events order by id desc limit 1',
  )
  return rows[0]?.id ?? ''
}

async function replay(body: object): Promise<Replayed> {
  const answer = await api.post('/replays', body)
  expect(answer).toMatchObject({ status: 200 })
  return answer.body as Replayed
}

async function jobs(where = 'true') {
  const { rows } = await signalbox.database.query<Record<string, unknown>>(
    `select id, rule, replay, mode, group_key, policy, who, joins, event_id, status, error from signalbox.jobs
     where ${where} order by created_at, id`,
  )
  return rows
}

describe('one event', () => {
  test('gets new jobs by the rules of now, and once for a replay', async () => {
    const id = await send()
    const replay_id = newId()
    const first = await replay({ event_id: id.slice(-8), replay_id })
    expect(first).toMatchObject({ replay_id, events: 1, next: null, warnings: [], kept: [] })
    expect(first.jobs).toMatchObject([{ event_id: id, rule: 'review', outcome: 'made', superseded_by: null, asks: [] }])
    const again = await replay({ event_id: id, replay_id })
    expect(again.jobs).toMatchObject([{ id: first.jobs[0]?.id, outcome: 'repeated' }])
    expect(await jobs()).toMatchObject([
      { event_id: id, replay: null },
      { event_id: id, replay: replay_id, id: first.jobs[0]?.id },
    ])
    expect(await replay({ event_id: id })).toMatchObject({ jobs: [{ outcome: 'made' }] })
    expect(await signalbox.count('signalbox.jobs')).toBe(3)
    expect(await signalbox.count('signalbox.events')).toBe(1)
  })

  test('whose body is pruned between the look at it and its jobs makes none', async () => {
    const event_id = await send()
    const { database } = signalbox
    const transaction: typeof database.transaction = async (run) => {
      await database.query('update signalbox.events set body = null, body_pruned_at = now() where body is not null')
      return database.transaction(run)
    }
    const parts = { database: { ...database, transaction }, clock: systemClock, rules: compileRules([review]) }
    const asked = { event_id, staged: false, as_new: false, dry_run: false }
    await expect(replayStored(parts, asked)).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('its body was pruned'),
    })
    expect(await signalbox.count('signalbox.jobs', 'replay is not null')).toBe(0)
  })

  test('is explained by the job that it made when it came, and a job names its replay', async () => {
    const id = await send()
    const [made] = await jobs()
    const { jobs: again, replay_id } = await replay({ event_id: id })
    const explained = await api.get(`/events/${id}/explain`)
    expect(explained.body).toMatchObject({ rules: [{ rule: 'review', job: { id: made?.id } }] })
    expect((await api.get(`/jobs/${again[0]?.id}`)).body).toMatchObject({ replay: replay_id })
  })

  test('makes nothing by a dry run, and says the same', async () => {
    const id = await send()
    const dry = await replay({ event_id: id, dry_run: true })
    expect(dry).toMatchObject({ dry_run: true, jobs: [{ outcome: 'made', rule: 'review' }] })
    expect(await signalbox.count('signalbox.jobs')).toBe(1)
  })

  test.each([
    [
      'a paused rule',
      async () => void (await api.post('/rules/review/pause', { reason: 'frozen' })),
      /is paused: frozen/,
    ],
    ['a pruned body', () => signalbox.database.query('update signalbox.events set body = null'), /its body was pruned/],
    [
      'too many events between',
      () => signalbox.database.query('update signalbox.events set depth = 4'),
      /4 internal events away/,
    ],
    [
      'what Signalbox wrote itself',
      () => signalbox.database.query(`update signalbox.events set facts = '{"self":true,"repository":"acme/shop"}'`),
      /Signalbox wrote it itself/,
    ],
  ])('that %s keeps from every rule is refused with the reason', async (_what, change, reason) => {
    const id = await send()
    await change()
    const answer = await api.post('/replays', { event_id: id })
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict', detail: expect.stringMatching(reason) } })
    expect(await signalbox.count('signalbox.jobs', 'replay is not null')).toBe(0)
  })

  test('of a rule that asks who may has a job that is asked about before it counts', async () => {
    await reopen([{ ...review, who: { permission: 'write' }, concurrency: { key: '{number}', mode: 'latest' } }])
    const id = await send({ sender: 'eve' })
    expect((await replay({ event_id: id })).jobs).toMatchObject([{ asks: ['eve'] }])
    expect((await jobs('replay is not null'))[0]).toMatchObject({
      who: { people: ['eve'] },
      joins: { mode: 'latest', group_key: '1' },
      group_key: null,
    })
  })

  test('that is asked for wrongly is refused', async () => {
    expect(await api.post('/replays', {})).toMatchObject({
      status: 422,
      body: { detail: /event_id: give it, or since/ },
    })
    expect(await api.post('/replays', { event_id: newId() })).toMatchObject({ status: 404 })
    const id = await send()
    expect(await api.post('/replays', { event_id: id, rule: 'nope' })).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining('no rule "nope"') },
    })
  })
})

describe('of a rule that wants the latest', () => {
  const latest: Rule = { ...review, concurrency: { key: 'r:{number}', mode: 'latest' } }

  test('an old event has no work done unless it counts as new, and both are said', async () => {
    await reopen([latest], true)
    const old = await send({ at: '2026-01-01T00:00:00Z' })
    const newest = await send({ action: 'edited', at: '2026-01-02T00:00:00Z' })
    const ended = () => until('all ended', async () => (await jobs('finished_at is null')).length === 0)
    await ended()
    const [newestJob] = await jobs(`event_id = '${newest}'`)
    const { jobs: made } = await replay({ event_id: old })
    expect(made).toMatchObject([{ superseded_by: newestJob?.id }])
    await ended()
    expect((await jobs(`id = '${made[0]?.id}'`))[0]).toMatchObject({
      status: 'cancelled',
      error: `Superseded by job ${newestJob?.id}.`,
    })
    const asNew = await replay({ event_id: old, as_new: true })
    expect(asNew).toMatchObject({ as_new: true, jobs: [{ superseded_by: null }] })
    await ended()
    expect((await jobs(`id = '${asNew.jobs[0]?.id}'`))[0]?.error).not.toMatch(/Superseded/)
  })

  test('the newest event is done again, whatever became of it, and those of one replay supersede each other', async () => {
    await reopen([latest])
    await send({ at: '2026-01-01T00:00:00Z' })
    const newest = await send({ action: 'edited', at: '2026-01-02T00:00:00Z' })
    expect((await replay({ event_id: newest })).jobs).toMatchObject([{ superseded_by: null }])
    const span = await replay({ since: '2026-01-01T00:00:00Z', dry_run: true })
    expect(span.jobs.map(({ superseded_by }) => superseded_by !== null)).toEqual([true, false])
  })

  test('a staged one takes its turn, and neither supersedes nor is superseded', async () => {
    await reopen([latest])
    const old = await send({ at: '2026-01-01T00:00:00Z' })
    await send({ action: 'edited', at: '2026-01-02T00:00:00Z' })
    expect(await replay({ event_id: old, staged: true })).toMatchObject({
      staged: true,
      jobs: [{ superseded_by: null }],
    })
    expect((await jobs('replay is not null'))[0]).toMatchObject({
      mode: 'queue',
      group_key: 'r:1',
      policy: { staged: true },
    })
  })
})

test('of a paused source, it is made and not begun', async () => {
  const id = await send()
  expect((await api.post('/pauses', { kind: 'source', name: 'github' })).status).toBeLessThan(300)
  await replay({ event_id: id })
  const { rows } = await signalbox.database.query(`select held from signalbox.jobs where replay is not null`)
  expect(rows).toEqual([{ held: true }])
})

test('of a rule that skips, none is made while another has not ended, and that is said', async () => {
  await reopen([{ ...review, concurrency: { key: 'r:{number}', mode: 'skip' } }])
  const id = await send()
  expect((await replay({ event_id: id })).jobs).toMatchObject([{ outcome: 'skipped' }])
  expect(await signalbox.count('signalbox.jobs')).toBe(1)
})

describe('a span of time', () => {
  test('is replayed oldest first, by type and rule, and without what nobody sent', async () => {
    const first = await send({ number: 1 })
    const second = await send({ number: 2 })
    await send({ number: 3, action: 'closed' })
    await api.post('/replays', { event_id: first })
    const type = 'issues.opened'
    const span = await replay({ since: '2026-01-01T00:00:00Z', type, rule: 'review' })
    expect(span.jobs.map(({ event_id }) => event_id)).toEqual([first, second])
    const { rows } = await signalbox.database.query<{ at: Date }>(
      `select received_at as at from signalbox.events where id = '${second}'`,
    )
    const until = rows[0]?.at.toISOString()
    expect((await replay({ since: '2026-01-01T00:00:00Z', until, type })).events).toBe(1)
  })

  test('goes on in pages, and no event is left out or taken twice', async () => {
    await signalbox.database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, facts, body, received_at)
       select gen_random_uuid(), 'github', n::text, 'issues.opened', 'ignored', 'x', '{"repository":"acme/shop"}', '{}',
         now() - interval '1 hour' + (n / 3) * interval '1 microsecond' from generate_series(1, 1100) n`,
    )
    const replay_id = newId()
    const seen: string[] = []
    let after: string | undefined
    do {
      const page: Replayed = await replay({ since: '2026-01-01T00:00:00Z', replay_id, after })
      seen.push(...page.jobs.map(({ id }) => id))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect([seen.length, new Set(seen).size]).toEqual([1100, 1100])
    expect(await signalbox.count('signalbox.jobs', `replay = '${replay_id}'`)).toBe(1100)
  })

  test('says when a subject would have more jobs than its ceiling allows', async () => {
    await reopen([{ ...review, ceiling: { perHour: 2 } }])
    for (const at of ['01', '02', '03']) await send({ at: `2026-01-${at}T00:00:00Z` })
    const { warnings } = await replay({ since: '2026-01-01T00:00:00Z', dry_run: true })
    expect(warnings).toEqual([
      expect.stringMatching(/^rule "review": 3 jobs for acme\/shop#1, and its ceiling is 2 an hour/),
    ])
  })
})

describe('signalbox events replay', () => {
  test('says what it makes, asks before many, and repeats safely', async () => {
    const { ask, json } = cliOf(signalbox)
    const id = await send()
    const one = await ask(['events', 'replay', id.slice(-8)])
    expect(one).toMatchObject({ code: 0, out: expect.stringMatching(/^1 event, 1 job made\.\n/) })
    expect(one.out).toContain('Endpoints are not notified again')
    await send({ number: 2 })
    const refused = await ask(['events', 'replay', '--since', '1h'])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('nobody can be asked') })
    expect(refused.err).toMatch(/2 events, 2 jobs would be made\./)
    expect(await ask(['events', 'replay', '--since', '1h'], { ...envOf(), ask: async () => 'n' })).toMatchObject({
      code: 1,
    })
    expect(await signalbox.count('signalbox.jobs', 'replay is not null')).toBe(1)
    const replayId = newId()
    const yes = ['events', 'replay', '--since', '1h', '--yes', '--replay-id', replayId]
    expect(await json<Replayed>(yes)).toMatchObject({ replay_id: replayId, jobs: [{ outcome: 'made' }, {}] })
    expect((await ask(yes)).out).toMatch(/made before by this replay/)
    expect(await ask(['events', 'replay', '--since', '1h'], { ...envOf(), ask: async () => 'y' })).toMatchObject({
      code: 0,
    })
    expect(await signalbox.count('signalbox.jobs', 'replay is not null')).toBe(5)
  })

  test('says before it begins how to complete what is cut off, and that makes no more than was meant', async () => {
    const { ask } = cliOf(signalbox)
    await send()
    await send({ number: 2 })
    const gone = { env: { ...envOf().env, SIGNALBOX_URL: 'http://127.0.0.1:9' } }
    const span = ['events', 'replay', '--since', '1h', '--type', 'issues.*']
    const cut = await ask([...span, '--by', 'ada', '--yes'], gone)
    expect(cut.code).toBe(1)
    const command = /by:\n {2}signalbox (.+)\n/.exec(cut.err)?.[1] ?? ''
    const rest = command.replaceAll("'", '').split(' ')
    expect(rest.slice(0, 3)).toEqual(['events', 'replay', '--since'])
    await send({ number: 3 })
    expect(await ask(rest)).toMatchObject({ code: 0, out: expect.stringMatching(/^2 events, 2 jobs made\./) })
    expect(await ask(rest)).toMatchObject({ code: 0, out: expect.stringMatching(/^2 events, 0 jobs\./) })
    expect(await signalbox.count('signalbox.jobs', "replayed_by = 'ada'")).toBe(2)
  })

  test('wants an event or a time, and a dry run asks nobody', async () => {
    const { ask } = cliOf(signalbox)
    expect(await ask(['events', 'replay'])).toMatchObject({ code: 2, err: expect.stringContaining('--since') })
    await send()
    await send({ number: 2 })
    const dry = await ask(['events', 'replay', '--since', '1h', '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: expect.stringMatching(/^2 events, 2 jobs would be made\./) })
    expect(await signalbox.count('signalbox.jobs', 'replay is not null')).toBe(0)
  })
})

function envOf() {
  return { env: { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN } }
}
