// The checker finds what it is there to find: each kind of fault, planted into what a small run has
// left, and nothing in the run itself.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLog } from '../../src/lib/log.ts'
import { openTestDatabase } from '../database.ts'
import { SECRET } from '../keys.ts'
import { until } from '../until.ts'
import type { Pusher } from './agents.ts'
import type { Evidence } from './check/evidence.ts'
import { readDatabase, readLines } from './check/evidence.ts'
import type { GithubState } from './check/github.ts'
import { effectsOf, readGithub } from './check/github.ts'
import { judge } from './check/judge.ts'
import { PROBLEMS } from './check/problem.ts'
import type { Entry } from './journal.ts'
import { openJournal } from './journal.ts'
import { openIssue, sendPush } from './senders.ts'
import type { Sent } from './senders-log.ts'
import { openService, SUBSCRIBER } from './service.ts'
import { openGithub } from './stage.ts'
import { openSubscriber } from './subscriber.ts'

// Long: nothing is to be lost here, however busy the machine is.
const LEASE_MS = 20_000
const CHECKER = fileURLToPath(new URL('check.ts', import.meta.url))
// Two of one group, two jobs of one webhook, one without a job, and each kind of effect.
const PUSHERS: Pusher[] = ['comment', 'comment', 'quiet', 'nobody', 'pull-request', 'both']
const [QUIET, NOBODY, PULL] = ['delivery-2', 'delivery-3', 'delivery-4']

type Files = { log: Sent[]; journal: Entry[]; github: GithubState }

const opened = new AsyncDisposableStack()
let client: pg.Client
let files: Files
let paths: { database: string; log: string; journal: string; github: string }

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-check-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const database = await openTestDatabase()
  opened.defer(() => database.close())
  paths = {
    database: database.url,
    log: join(folder, 'log'),
    journal: join(folder, 'journal'),
    github: join(folder, 'github'),
  }
  const log = openJournal<Sent>(paths.log)
  const journal = openJournal(paths.journal)
  const { github } = await openGithub(log)
  opened.defer(() => github.close())
  const token = github.addToken({ login: 'acme' })
  const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
  const about = (await repository.openIssue({ title: 'about' })).number
  const subscriber = await openSubscriber(log)
  opened.defer(subscriber.close)
  log.write({ what: 'endpoint', ...SUBSCRIBER })
  const service = await openService(
    {
      roles: { receiver: true, orchestrator: true },
      databaseUrl: database.url,
      leaseMs: LEASE_MS,
      journal: paths.journal,
      github: { apiUrl: github.apiUrl, token },
      subscriberUrl: subscriber.url,
    },
    { journal, log: silentLog },
  )
  const url = service.url ?? ''
  await repository.addWebhook({ url: `${url}/webhook/github`, secret: SECRET, events: ['issues'] })
  const stage = { log, url, github, repository }
  const push = { group: 'group', about, workMs: 20, dueMs: 0, lateMs: 0 }
  for (const [i, pusher] of PUSHERS.entries()) {
    const again = i === 0 ? ('by another id' as const) : null
    await sendPush(stage, { ...push, delivery: `delivery-${i}`, pusher, again })
  }
  await openIssue(stage, { delivery: `delivery-${PUSHERS.length}`, dueMs: 0, lateMs: 0, trouble: 'duplicate' })
  await github.settled()
  await until('everything has ended', async () => {
    const { rows } = await database.query<{ n: number }>(
      `select ((select count(*) from signalbox.jobs where finished_at is null)
        + (select count(*) from signalbox.deliveries where finished_at is null))::int as n`,
    )
    return rows[0]?.n === 0
  })
  await service.close()
  const state = await readGithub(github.apiUrl, { repository: repository.fullName, token })
  writeFileSync(paths.github, JSON.stringify(state))
  files = { log: readLines<Sent>(paths.log), journal: readLines<Entry>(paths.journal), github: state }
  client = new pg.Client(database.url)
  await client.connect()
  opened.defer(() => client.end())
}, 300_000)
afterAll(() => opened.disposeAsync())

/** What is wrong once something was planted; the database is as before afterwards. */
async function kindsAfter({ sql = 'select 1', ...change }: Omit<Plant, 'what' | 'finds'>): Promise<string[]> {
  await client.query('begin')
  try {
    await client.query(sql)
    const rows = await readDatabase((text) => client.query(text))
    const { log, journal, github } = { ...files, ...change.files?.(structuredClone(files)) }
    const evidence: Evidence = { ...rows, log, journal, effects: effectsOf(github) }
    return [...new Set(judge(evidence, { leaseMs: LEASE_MS }).problems.map(({ kind }) => kind))]
  } finally {
    await client.query('rollback')
  }
}

/** A fault that is planted, and everything that is wrong because of it: itself first. */
type Plant = { what: string; finds: string[]; sql?: string; files?: (files: Files) => Partial<Files> }

const QUIET_JOB = jobOf(QUIET)
const DELIVERY = '(select id from signalbox.deliveries order by id limit 1)'

function eventOf(delivery: string): string {
  return `(select id from signalbox.events
    where source = 'github' and convert_from(body, 'UTF8')::json->>'delivery' = '${delivery}')`
}

function jobOf(delivery: string): string {
  return `(select id from signalbox.jobs where event_id = ${eventOf(delivery)})`
}

function copyOf(table: string, of: string, changes: string): string {
  return `insert into signalbox.${table} select (jsonb_populate_record(one, jsonb_build_object(${changes}))).*
    from signalbox.${table} as one where ${of}`
}

function endAs(status: string): string {
  return `update signalbox.jobs set status = '${status}' where id = ${QUIET_JOB}`
}

function answersOf(delivery: string, change: (entry: Sent & { what: 'answer' }) => Sent[]) {
  return ({ log }: Files) => ({
    log: log.flatMap((entry) => (entry.what === 'answer' && entry.delivery === delivery ? change(entry) : [entry])),
  })
}

function received(change: (first: Sent & { what: 'received' }) => Sent[]) {
  return ({ log }: Files) => {
    const first = log.find((entry) => entry.what === 'received')
    return { log: log.flatMap((entry) => (entry === first ? change(first) : [entry])) }
  }
}

/** Of the runs of agents, the first of a job. */
function firstRun(journal: Entry[]) {
  const begin = journal.find((entry) => entry.what === 'begin')
  if (begin?.what !== 'begin') throw new Error('no agent has run')
  return begin
}

const PLANTS: Plant[] = [
  {
    what: 'an acknowledged webhook without its event',
    finds: ['event lost'],
    sql: `delete from signalbox.events where id = ${eventOf(NOBODY)}`,
  },
  {
    what: 'an event twice',
    finds: ['event doubled'],
    sql: copyOf(
      'events',
      `id = ${eventOf(NOBODY)}`,
      `'id', gen_random_uuid(), 'delivery_id', 'other', 'body_key', null`,
    ),
  },
  {
    what: 'an event that nobody sent',
    finds: ['event unknown'],
    files: ({ log }) => ({ log: log.filter((entry) => !('delivery' in entry) || entry.delivery !== NOBODY) }),
  },
  {
    what: 'an answer with the id of another event',
    finds: ['event misnamed'],
    files: answersOf(NOBODY, (entry) => [{ ...entry, event: 'another' }]),
  },
  {
    what: 'a lost job',
    finds: ['job lost', 'attempt unknown'],
    sql: `delete from signalbox.jobs where id = ${QUIET_JOB}`,
  },
  {
    what: 'a doubled job',
    finds: ['job doubled', 'job open'],
    sql: copyOf(
      'jobs',
      `id = ${QUIET_JOB}`,
      `'id', gen_random_uuid(), 'status', 'pending', 'attempt', 0, 'finished_at', null`,
    ),
  },
  {
    what: 'a job of another rule',
    finds: ['job unknown', 'job lost'],
    sql: `update signalbox.jobs set rule = 'other' where id = ${QUIET_JOB}`,
  },
  { what: 'a job that has not ended', finds: ['job open', 'job ended twice'], sql: endAs('pending') },
  { what: 'a failed job', finds: ['job failed', 'job ended twice'], sql: endAs('failed') },
  { what: 'a job that nobody cancelled', finds: ['job cancelled', 'job ended twice'], sql: endAs('cancelled') },
  {
    what: 'a job that was ended by two attempts',
    finds: ['job ended twice'],
    sql: `${copyOf('job_attempts', `job_id = ${QUIET_JOB}`, `'attempt', 2, 'started_at', now(), 'finished_at', now()`)};
      update signalbox.jobs set attempt = 2 where id = ${QUIET_JOB}`,
  },
  {
    what: 'a job that was reported twice',
    finds: ['job ended twice', 'delivery lost', 'delivery not received'],
    sql: copyOf('events', `cause_job_id = ${QUIET_JOB}`, `'id', gen_random_uuid(), 'delivery_id', 'other'`),
  },
  {
    what: 'a job that was not reported',
    finds: ['job ended silently', 'delivery unknown'],
    sql: `delete from signalbox.deliveries where event_id = (
        select id from signalbox.events where cause_job_id = ${QUIET_JOB});
      delete from signalbox.events where cause_job_id = ${QUIET_JOB}`,
  },
  {
    what: 'a job that completed though no agent ran',
    finds: ['job never run'],
    files: ({ journal }) => ({
      journal: journal.filter((entry) => !('job' in entry) || entry.job !== firstRun(journal).job),
    }),
  },
  {
    what: 'an attempt counted that was not made',
    finds: ['attempt miscounted'],
    sql: `update signalbox.jobs set attempt = attempt + 1 where id = ${QUIET_JOB}`,
  },
  {
    what: 'a loss counted that was not one',
    finds: ['attempt miscounted'],
    sql: `update signalbox.jobs set losses = 1 where id = ${QUIET_JOB}`,
  },
  {
    what: 'an attempt used up by a failure',
    finds: ['attempt used up'],
    sql: `update signalbox.jobs set failures = 1, attempt = 2 where id = ${QUIET_JOB};
      ${copyOf('job_attempts', `job_id = ${QUIET_JOB}`, `'attempt', 2, 'started_at', now(), 'finished_at', now()`)};
      update signalbox.job_attempts set outcome = 'retried' where job_id = ${QUIET_JOB} and attempt = 1`,
  },
  {
    what: 'a run of an agent that is no attempt',
    finds: ['attempt unknown'],
    files: ({ journal }) => ({ journal: [...journal, { ...firstRun(journal), attempt: 7, group: 'other' }] }),
  },
  {
    what: 'a step that was written by an attempt that had lost its lease, while the next was under way',
    finds: ['stale writer'],
    sql: `update signalbox.jobs set attempt = 2, losses = 1 where id = ${QUIET_JOB};
      update signalbox.job_attempts set outcome = 'lost' where job_id = ${QUIET_JOB};
      ${copyOf(
        'job_attempts',
        `job_id = ${QUIET_JOB}`,
        `'attempt', 2, 'outcome', 'completed', 'started_at', now(), 'finished_at', now() + interval '1 s'`,
      )};
      update signalbox.job_steps set finished_at = now() + interval '0.5 s' where job_id = ${QUIET_JOB}`,
  },
  {
    what: 'a write by an attempt that was over',
    finds: ['stale writer', 'write unrecorded'],
    sql: copyOf('writes', `job_id = ${jobOf(PULL)}`, `'id', 1000, 'written_at', now() + interval '1 hour'`).replace(
      'select',
      'overriding system value select',
    ),
  },
  {
    what: 'a receipt stored when no attempt was under way',
    finds: ['stale writer'],
    sql: `update signalbox.outputs set published_at = now() + interval '1 hour' where job_id = ${jobOf(PULL)}`,
  },
  {
    what: 'a line of a log by an attempt that there was not',
    finds: ['stale writer'],
    sql: `insert into signalbox.job_log (job_id, attempt, line) values (${QUIET_JOB}, 9, 'line')`,
  },
  {
    what: 'an attempt that another process ended than the one that ran it',
    finds: ['stale writer'],
    files: ({ journal }) => ({
      journal: journal.map((entry) => (entry.what === 'begin' ? { ...entry, pid: entry.pid + 1 } : entry)),
    }),
  },
  {
    what: 'two attempts of a group at once, by the database',
    finds: ['group overlap'],
    sql: `update signalbox.job_attempts set finished_at = finished_at + interval '1 hour'
      where job_id = ${jobOf('delivery-0')}`,
  },
  {
    what: 'two agents of a group at once, by what they recorded',
    finds: ['group overlap'],
    files: ({ journal }) => {
      const first = firstRun(journal)
      const next = journal.find((entry) => entry.what === 'begin' && entry.group === first.group && entry !== first)
      return { journal: journal.map((entry) => (entry === next ? { ...entry, at: first.at + 1 } : entry)) }
    },
  },
  {
    what: 'a comment that was never posted',
    finds: ['effect missing'],
    files: ({ github }) => ({ github: { ...github, comments: github.comments.slice(1) } }),
  },
  {
    what: 'a comment that was posted twice',
    finds: ['effect doubled'],
    files: ({ github }) => ({ github: { ...github, comments: [...github.comments, ...github.comments.slice(0, 1)] } }),
  },
  {
    what: 'a commit that was made twice',
    finds: ['effect doubled'],
    files: ({ github }) => ({ github: { ...github, pulls: github.pulls.map((pull) => ({ ...pull, commits: 2 })) } }),
  },
  {
    what: 'a comment that nothing was to leave',
    finds: ['effect unknown'],
    files: ({ github }) => ({
      github: { ...github, comments: [...github.comments, { body: 'hello', html_url: 'here' }] },
    }),
  },
  {
    what: 'a write that is on record twice',
    finds: ['write unrecorded'],
    sql: copyOf('writes', `job_id = ${jobOf(PULL)}`, `'id', 1000`).replace('select', 'overriding system value select'),
  },
  {
    what: 'an event without its delivery',
    finds: ['delivery lost'],
    sql: `delete from signalbox.deliveries where id = ${DELIVERY}`,
  },
  {
    what: 'an event with two deliveries',
    finds: ['delivery doubled', 'delivery open'],
    sql: `alter table signalbox.deliveries drop constraint deliveries_event;
      ${copyOf('deliveries', `id = ${DELIVERY}`, `'id', gen_random_uuid()`)}`,
  },
  {
    what: 'a delivery of what is no event',
    finds: ['delivery unknown'],
    files: received((first) => [first, { ...first, id: 'another' }]),
  },
  {
    what: 'a delivery that was not made',
    finds: ['delivery open'],
    sql: `update signalbox.deliveries set status = 'pending' where id = ${DELIVERY}`,
  },
  {
    what: 'a delivery that succeeded twice',
    finds: ['delivery succeeded twice'],
    sql: copyOf('delivery_attempts', `delivery_id = ${DELIVERY}`, `'attempt', 2`),
  },
  { what: 'a delivery that never arrived', finds: ['delivery not received'], files: received(() => []) },
  {
    what: 'a delivery that was repeated with other bytes',
    finds: ['delivery differs'],
    files: received((first) => [first, { ...first, sha256: 'other' }]),
  },
]

test('a run that went well has nothing wrong', async () => {
  expect(await kindsAfter({})).toEqual([])
})

describe('finds', () => {
  test.each(PLANTS)('$what', async ({ finds, ...plant }) => {
    expect((await kindsAfter(plant)).toSorted()).toEqual(finds.toSorted())
  })

  test('each kind of problem that it has a name for', () => {
    expect(new Set(PLANTS.map(({ finds }) => finds[0]))).toEqual(new Set(PROBLEMS))
  })
})

test('the program reads a database, the files and GitHub by itself; its exit code says whether anything is wrong', () => {
  const run = (log: string) => {
    const options = { ...paths, log, 'lease-ms': LEASE_MS }
    const { status, stdout } = spawnSync(
      process.execPath,
      [CHECKER, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)],
      { encoding: 'utf8' },
    )
    return { status, last: stdout.trim().split('\n').slice(-2) }
  }
  expect(run(paths.log)).toMatchObject({ status: 0, last: [expect.anything(), '0 problems'] })
  const other = `${paths.log}.other`
  writeFileSync(
    other,
    files.log
      .filter((entry) => !('delivery' in entry) || entry.delivery !== NOBODY)
      .map((entry) => JSON.stringify(entry))
      .join('\n'),
  )
  expect(run(other)).toEqual({
    status: 1,
    last: [`event unknown: ${NOBODY} is an event, and was never sent`, '1 problems'],
  })
})
