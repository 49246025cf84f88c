// Every index is there for a query, and every list that people look at has one.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, Sql } from '../src/db/database.ts'
import { DELIVERIES } from '../src/deliveries/delivery.ts'
import { listDeliveries } from '../src/deliveries/query.ts'
import type { NewEvent } from '../src/events/event.ts'
import { newestPosition, readFeed } from '../src/events/feed.ts'
import { insertEvents, outcomesOf } from '../src/events/insert.ts'
import { listEvents } from '../src/events/query.ts'
import { dropOldRefusals } from '../src/events/refusals.ts'
import { DEFAULT_MUTING, precisionOf } from '../src/findings/precision.ts'
import { ledgerOn, listFindings } from '../src/findings/query.ts'
import { dismissEverywhere } from '../src/findings/store.ts'
import { examineDatabase } from '../src/http/health-parts.ts'
import { joinGroups } from '../src/jobs/admission.ts'
import { openReports } from '../src/jobs/ended-by-hand.ts'
import type { JobRow, RunDetail } from '../src/jobs/job.ts'
import { JOBS } from '../src/jobs/job.ts'
import { listJobs } from '../src/jobs/query.ts'
import { inheritedStep, supersede } from '../src/jobs/supersede.ts'
import { systemClock } from '../src/lib/clock.ts'
import { newId } from '../src/lib/id.ts'
import { silentLog } from '../src/lib/log.ts'
import { HELD_TABLES, wronglyMarked } from '../src/pauses/held.ts'
import { queueOn } from '../src/queue/queue.ts'
import type { Settled } from '../src/queue/table.ts'
import { pastEvents, ruleCosts } from '../src/replay/history.ts'
import { replayableEvents } from '../src/replay/stored.ts'
import { jobsFor } from '../src/rules/jobs.ts'
import { compileRules } from '../src/rules/match.ts'
import type { EndedJob } from '../src/rules/states.ts'
import { noteEnded } from '../src/rules/states.ts'
import { readAbout } from '../src/trace/about.ts'
import { eventsAbout } from '../src/trace/about-events.ts'
import { childrenOf } from '../src/trace/children.ts'
import { climb } from '../src/trace/climb.ts'
import { openTestDatabase } from './database.ts'
import { draft } from './drafts.ts'

const ROWS = 100_000
const VIEWS = readFileSync(new URL('fixtures/views.sql', import.meta.url), 'utf8').split('\n')

type Node = { 'Node Type': string; 'Relation Name'?: string; 'Index Name'?: string; Plans?: Node[] }

let database: Database
let eventId: string
let endpointId: string
beforeAll(async () => {
  database = await openTestDatabase()
  ;({ eventId, endpointId } = await fill(database))
})
afterAll(() => database?.close())

function readsOf({ 'Node Type': type, 'Relation Name': relation, 'Index Name': index, Plans = [] }: Node): string[] {
  const own = index ?? (type === 'Seq Scan' ? `all of ${relation}` : null)
  return [...(own === null ? [] : [own]), ...Plans.flatMap(readsOf)]
}

/** The indexes, and the whole tables, that the statements of `run` read. */
async function readsBy(run: (sql: Sql) => Promise<unknown>): Promise<string[]> {
  const reads = new Set<string>()
  const explaining: Sql = {
    async query(text, values, name = '') {
      const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(`explain (format json) ${text}`, values)
      for (const row of rows) for (const read of readsOf(row['QUERY PLAN'][0].Plan)) reads.add(read)
      // A claim begins where this says.
      if (name.startsWith('first live')) return database.query(text, values)
      return { rows: [], rowCount: 0 }
    },
  }
  await run(explaining)
  return [...reads]
}

const jobQueue = queueOn({ table: JOBS, clock: systemClock })
const deliveryQueue = queueOn({ table: DELIVERIES, clock: systemClock })
const claim = { owner: newId(), limit: 16, leaseMs: 30_000 }

const scope = { repository: 'o/r7', pullRequest: 7 }
const dismissal = { repository: 'o/r7', fingerprint: 'f7', reason: null }
const superseding = { id: newId(), rule: 'r', group_key: 'g', mode: 'latest' as const }
const noting = { clock: systemClock, log: silentLog, rules: [] }
const ended: EndedJob = {
  id: newId(),
  rule: 'r',
  outcome: 'completed',
  error: null,
  ceilingSubject: 's',
  depth: 0,
  facts: {},
}
const repeated: NewEvent = { ...draft(), status: 'ignored', reason: 'x', jobs: [], deliveries: [] }

const [job] = jobsFor(
  compileRules([
    {
      name: 'r',
      on: 'push',
      agent: 'a',
      concurrency: { key: 'g', mode: 'latest' },
      debounce: { quietMs: 1, maxMs: 2 },
    },
  ]),
  { ...draft(), facts: {} },
)
const debounced: NewEvent = { ...repeated, status: 'routed', reason: null, jobs: [job!] }
const joining = { row: { id: newId() }, status: 'waiting', detail: { mayJoin: true } } as Settled<JobRow, RunDetail>

const ofEachKind = (['deployment', 'event', 'job', 'output', 'delivery'] as const).map((kind) => ({
  kind,
  id: newId(),
  repository: 'acme/shop',
  number: '12',
  event_id: newId(),
}))

function lately(): string {
  return new Date(Date.now() - 60 * 60 * 1000).toISOString()
}

/** The big tables' queries, and what each of them has to find its rows by. */
const QUERIES: [string, string, (sql: Sql) => Promise<unknown>][] = [
  ['all jobs', 'jobs_created', (sql) => listJobs(sql)],
  ['completed jobs', 'jobs_created', (sql) => listJobs(sql, { status: 'completed' })],
  ['failed jobs', 'jobs_unsuccessful', (sql) => listJobs(sql, { status: 'failed' })],
  ['cancelled jobs', 'jobs_unsuccessful', (sql) => listJobs(sql, { status: 'cancelled' })],
  ['jobs of a cause', 'jobs_unsuccessful', (sql) => listJobs(sql, { cause: 'limit' })],
  ['running jobs', 'jobs_lease', (sql) => listJobs(sql, { status: 'running' })],
  ['pending jobs', 'jobs_claim', (sql) => listJobs(sql, { status: 'pending' })],
  ['jobs of an event', 'jobs_event', (sql) => listJobs(sql, { event_id: eventId })],
  ['the last jobs in SQL', 'jobs_created', (sql) => sql.query(line('FROM agent_jobs ORDER BY created_at DESC'))],
  ['the last failed jobs in SQL', 'jobs_unsuccessful', (sql) => sql.query(line("status = 'failed' ORDER BY"))],
  ['stuck jobs in SQL', 'jobs_lease', (sql) => sql.query(line("SELECT * FROM agent_jobs WHERE status = 'running'"))],
  ['all deliveries', 'deliveries_event', (sql) => listDeliveries(sql)],
  ['failed deliveries', 'deliveries_unsuccessful', (sql) => listDeliveries(sql, { status: 'failed' })],
  ['deliveries of an endpoint', 'deliveries_endpoint', (sql) => listDeliveries(sql, { endpoint_id: endpointId })],
  ['deliveries of an event', 'deliveries_event', (sql) => listDeliveries(sql, { event_id: eventId })],
  ['events after a cursor', 'events_position', (sql) => readFeed(sql, { after: '0', type: 'push' }).catch(() => {})],
  ['the newest event', 'events_position', (sql) => newestPosition(sql)],
  ['all events', 'events_pkey', (sql) => listEvents(sql)],
  ['rejected events', 'events_rejected', (sql) => listEvents(sql, { status: 'rejected' })],
  ['events of a rare type', 'events_type', (sql) => listEvents(sql, { type: 'release.published' })],
  [
    'the last events in SQL',
    'events_received',
    (sql) => sql.query('select * from webhook_events order by received_at desc limit 10'),
  ],
  ['events about a thing', 'events_subject', (sql) => eventsAbout(sql, readAbout('acme/shop#12'), { limit: 50 })],
  ['events of a subject', 'events_subject', (sql) => listEvents(sql, { subject: 'acme/shop#12' })],
  ['events about a commit', 'events_sha', (sql) => eventsAbout(sql, readAbout('0123abc'), { limit: 50 })],
  ['what a job led to', 'events_cause', (sql) => childrenOf(sql, ofEachKind)],
  ['what led to an event', 'events_subject', (sql) => climb(sql, { kind: 'event', id: newId() })],
  ['the past of a back-test', 'events_received', (sql) => pastEvents(sql, { since: lately(), limit: 2000 })],
  ['the events of a replay', 'events_received', (sql) => replayableEvents(sql, { since: lately(), limit: 500 })],
  ['what jobs have cost', 'jobs_created', (sql) => ruleCosts(sql)],
  ['a repeated body', 'events_body', (sql) => outcomesOf(sql, [repeated], new Set())],
  ['dropping old refusals', 'events_rejected', (sql) => dropOldRefusals(sql, 10_000)],
  ['the heartbeat in SQL', 'events_type', (sql) => sql.query(line("event_type = 'heartbeat'"))],
  ['claiming jobs', 'jobs_claim', (sql) => jobQueue.claim(sql, claim)],
  ['jobs that a newer event supersedes', 'jobs_newest', (sql) => supersede(sql, systemClock, [newId()])],
  [
    'jobs of a group that a newer event supersedes',
    'jobs_newest_of_group',
    (sql) => supersede(sql, systemClock, [newId()], 'next'),
  ],
  ['the steps that a job inherits', 'jobs_newest', (sql) => inheritedStep(sql, superseding, 's')],
  ['jobs of a rule for a subject', 'jobs_ceiling', (sql) => noteEnded(sql, noting, [ended])],
  ['jobs that wait for quiet', 'jobs_debounced', (sql) => insertEvents(sql, systemClock, [debounced], 0)],
  ['jobs that join theirs', 'jobs_debounced', (sql) => joinGroups(sql, systemClock, [joining])],
  // The trigger's statement.
  [
    'what settles a job that is begun again',
    'jobs_settles',
    (sql) =>
      sql.query(`update signalbox.jobs set status = 'cancelled' where settles = $1 and finished_at is null`, [newId()]),
  ],
  ['jobs that a pause holds', 'jobs_held', (sql) => wronglyMarked(sql, HELD_TABLES[0])],
  ['deliveries that a pause holds', 'deliveries_held', (sql) => wronglyMarked(sql, HELD_TABLES[1])],
  ['jobs that are late', 'jobs_claim', (sql) => examineDatabase(sql)],
  ['deliveries that are late', 'deliveries_claim', (sql) => examineDatabase(sql)],
  ['jobs that were ended by hand', 'jobs_unreported', (sql) => reportsOver(sql).report()],
  ['groups kept by jobs', 'jobs_waiting', (sql) => jobQueue.claim(sql, claim)],
  ['claiming deliveries', 'deliveries_claim', (sql) => deliveryQueue.claim(sql, claim)],
  ['groups kept by deliveries', 'deliveries_waiting', (sql) => deliveryQueue.claim(sql, claim)],
  ['all findings', 'findings_created', (sql) => listFindings(sql)],
  ['the findings of a pull request', 'findings_scope', (sql) => ledgerOn(sql, DEFAULT_MUTING).of(scope)],
  [
    'how often findings are right',
    'findings_scope or findings_fingerprint',
    (sql) => precisionOf(sql, DEFAULT_MUTING, 'o/r7'),
  ],
  ['dismissing a finding', 'findings_fingerprint', (sql) => dismissEverywhere(sql, systemClock, dismissal)],
  ['expired deliveries', 'deliveries_lease', (sql) => deliveryQueue.reclaimExpired(sql)],
]

/** What reports ends by hand, over these statements. */
function reportsOver(sql: Sql): ReturnType<typeof openReports> {
  return openReports({ database: { ...database, transaction: (run) => run(sql) }, log: silentLog })
}

function line(part: string): string {
  const found = VIEWS.find((statement) => statement.includes(part))
  if (found === undefined) throw new Error(`no statement has ${part}`)
  return found.replace(/;$/, '')
}

describe('the indexes of events, jobs, deliveries and findings', () => {
  it.each(QUERIES)('%s: by %s, and never through a whole table', async (_, index, run) => {
    const reads = await readsBy(run)
    expect(index.split(' or ').some((either) => reads.includes(either))).toBe(true)
    expect(reads.filter((read) => /^all of (events|jobs|deliveries|findings)$/.test(read))).toEqual([])
  })

  it('are each there for one of these queries, or for a constraint', async () => {
    const { rows } = await database.query<{ name: string }>(
      `select indexrelid::regclass::text as name from pg_index
       where indrelid in ('signalbox.events'::regclass, 'signalbox.jobs'::regclass, 'signalbox.deliveries'::regclass, 'signalbox.findings'::regclass)`,
    )
    const names = rows.map(({ name }) => name.replace('signalbox.', ''))
    const constraints = [
      'events_pkey',
      'events_delivery',
      'jobs_pkey',
      'jobs_group',
      'jobs_only',
      'deliveries_pkey',
      'deliveries_group',
      'findings_pkey',
    ]
    expect(names.sort()).toEqual(
      [...new Set([...QUERIES.flatMap(([, index]) => index.split(' or ')), ...constraints])].sort(),
    )
  })
})

it('every foreign key has an index to find its rows by, so that removing what it names is quick', async () => {
  const { rows } = await database.query(
    `select conrelid::regclass::text as table, conname as name from pg_constraint c
     where contype = 'f' and connamespace = 'signalbox'::regnamespace and not exists (
       select from pg_index i where i.indrelid = c.conrelid and i.indpred is null
         and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)`,
  )
  expect(rows).toEqual([])
})

/** Fills the four tables as a year of use would: nearly everything is done. */
async function fill(sql: Database): Promise<{ eventId: string; endpointId: string }> {
  const endpoint = newId()
  await sql.query(
    `insert into signalbox.endpoints (id, name, url, secrets, events, origin)
     select case when n = 1 then $1 else gen_random_uuid() end, 'e' || n, 'http://e', '[]', '{*}', 'api' from generate_series(1, 50) n`,
    [endpoint],
  )
  // Ids ordered by time, as newId makes them.
  await sql.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, received_at)
     select (lpad(to_hex(1760000000000 + n), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
       'github', n::text, case when n % 5000 = 0 then 'release.published' else 'push' end, case when n % 5000 = 1 then 'rejected' else 'routed' end,
       case when n % 5000 = 1 then 'signature' end, now() - (${ROWS} - n) * interval '1 minute'
     from generate_series(1, ${ROWS}) n`,
  )
  await sql.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status,
       created_at, available_at, started_at, finished_at, group_key, mode, ceiling_subject)
     select gen_random_uuid(), id, 'r', 't', 'a', '{}', 5, 5, 900000, status, received_at, received_at, received_at,
       case when status in ('completed', 'failed', 'cancelled') then received_at end, 'g' || (n % 997),
       case when n % 2 = 0 then 'latest' else 'queue' end, case when n % 3 = 0 then 's' || (n % 499) end
     from (select id, received_at, delivery_id::int as n, ${statuses('completed', 'cancelled')} as status from signalbox.events) e
     where status <> 'running' or n % 9000 = 0`,
  )
  await sql.query(
    `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status, created_at, available_at, finished_at, group_key)
     select gen_random_uuid(), e.id, p.id, 10, status, received_at, received_at,
       case when status in ('succeeded', 'failed', 'skipped') then received_at end, 'g' || (n % 997)
     from (select id, received_at, delivery_id::int as n, ${statuses('succeeded', 'skipped')} as status from signalbox.events) e
     join (select id, row_number() over (order by id) as nth from signalbox.endpoints) p on p.nth = 1 + e.n % 50
     where status <> 'running' or n % 9000 = 0`,
  )
  await sql.query(
    `insert into signalbox.findings (id, repository, pull_request, fingerprint, reviewer, category, severity, confidence,
       cost, path, side, title, body, first_sha, last_sha, status, created_at)
     select gen_random_uuid(), 'o/r' || n % 100, 1 + n % 1000, 'f' || n, 'r', 'c' || n % 20, 'low', 1, 'low', 'p', 'RIGHT',
       't', 'b', 's', 's', case when n % 9 = 0 then 'dismissed' else 'resolved' end, now() - n * interval '1 minute'
     from generate_series(1, ${ROWS}) n`,
  )
  await sql.query('analyze')
  const { rows } = await sql.query<{ id: string }>(`select id from signalbox.events where delivery_id = '1234'`)
  return { eventId: rows[0]?.id ?? '', endpointId: endpoint }
}

function statuses(done: string, cancelled: string): string {
  return `case when delivery_id::int % 900 = 0 then 'running' when delivery_id::int % 500 = 1 then 'pending'
    when delivery_id::int % 700 = 2 then 'failed' when delivery_id::int % 2000 = 3 then '${cancelled}' else '${done}' end`
}
