// The doctor on the database: whether it opens, what it can do, and whether the work in it moves.
import type { Database } from '../../db/database.ts'
import { packageProblem } from '../../db/embedded/binaries.ts'
import { embeddedUrl, hasCluster } from '../../db/embedded/embedded.ts'
import { lastFailure } from '../../db/embedded/server-log.ts'
import { openListener } from '../../db/listen.ts'
import { missingRights, pendingMigrations } from '../../db/migrate.ts'
import type { Store } from '../../db/store.ts'
import { openStore } from '../../db/store.ts'
import { CLOCK_PROBLEM_MS, CLOCK_WARNING_MS } from '../../http/health-parts.ts'
import { LACKS_AGENT } from '../../jobs/query.ts'
import type { Environment } from '../../lib/environment.ts'
import { AppError, errorText } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import { isAlive } from '../../nodes/alive.ts'
import { age, count } from '../text.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'
import { encryptionKeyCheck } from './encryption-key.ts'
import { gapsChecks } from './gaps.ts'
import { nodesCheck } from './nodes.ts'
import { pausedCheck } from './paused.ts'
import { storageChecks } from './storage.ts'

/**
 * Opens the database, looks, and closes it; an embedded one that does not run is started for that.
 */
export async function databaseChecks(environment: Environment): Promise<Check[]> {
  const { DATABASE_URL: external, SIGNALBOX_DATA_DIR: dir } = environment
  let store: Store | undefined
  try {
    const isRunning = external === undefined && (await embeddedUrl(dir)) !== undefined
    if (external === undefined && !(await hasCluster(dir))) {
      const missing = packageProblem()
      if (missing !== null) return [problem('database', missing, 'Set DATABASE_URL.')]
      return [ok('database', `none yet: the first start makes its own PostgreSQL in ${dir}`)]
    }
    store = await openStore({ environment, log: silentLog, share: true })
    const { database, url } = store
    const version = await connectionCheck(
      database,
      external === undefined ? `embedded in ${dir}, ${isRunning ? 'running' : 'starts'}` : 'DATABASE_URL',
    )
    if (version.status === 'problem') return [version]
    return [
      version,
      ...(await tablesChecks(database, environment)),
      await listenCheck(database, url),
      await clockCheck(database),
    ]
  } catch (error) {
    return [await openProblem(error, external === undefined ? dir : null)]
  } finally {
    await store?.close()
  }
}

/**
 * What a database that does not open means. `dir` is the data directory of an embedded one. The
 * reason is in the cause, and never the connection string.
 */
async function openProblem(error: unknown, dir: string | null): Promise<Check> {
  if (error instanceof AppError && error.code === 'database_busy' && dir !== null) {
    // Its owner runs, and so its PostgreSQL does not, or it would have been found.
    const failure = await lastFailure(dir)
    const why = failure === null ? '' : ` Its log ${failure.path} says: ${failure.reason}`
    const hint = 'Mend what the log says; Signalbox starts its PostgreSQL again by itself.'
    return problem('database', `Signalbox runs, but its PostgreSQL does not.${why}`, hint)
  }
  if (error instanceof AppError && error.code !== 'database_unavailable')
    return problem('database', error.detail, error.hint)
  const cause = error instanceof AppError && error.cause !== undefined ? error.cause : error
  const reason = errorText(cause)
  const where = dir === null ? databaseHint(reason) : 'Start "signalbox dev" and read its log.'
  return problem('database', `cannot be reached: ${reason}`, where)
}

function databaseHint(reason: string): string {
  // Of `user:pa@ss@host` the driver takes what is after the first @ as the host.
  return /ENOTFOUND|EAI_AGAIN|Invalid URL/.test(reason)
    ? 'Check the host of DATABASE_URL; in a password, write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F and % as %25.'
    : 'Check host, port, user, password and firewall of DATABASE_URL.'
}

async function connectionCheck(database: Database, what: string): Promise<Check> {
  const { rows } = await database.query<{ name: string; number: number; isReadOnly: boolean }>(
    `select current_setting('server_version') as name, current_setting('server_version_num')::int as number,
       current_setting('transaction_read_only') = 'on' as "isReadOnly"`,
  )
  const { name = '', number = 0, isReadOnly = false } = rows[0] ?? {}
  const version = `PostgreSQL ${name.split(' ')[0]}`
  if (isReadOnly) {
    const hint = 'Set DATABASE_URL to the primary, or let its role write (default_transaction_read_only).'
    return problem('database', `${what}, ${version}, takes no changes: it is read-only, or a standby`, hint)
  }
  return number >= 150_000
    ? ok('database', `${what}, ${version}`)
    : problem('database', `${version} is too old`, 'Use PostgreSQL 15 or newer.')
}

async function tablesChecks(database: Database, environment: Environment): Promise<Check[]> {
  const pending = await pendingMigrations(database).catch((error: unknown) => {
    if (error instanceof AppError) return problem('migrations', error.detail, error.hint)
    throw error
  })
  if (!Array.isArray(pending)) return [pending]
  if (pending.length > 0) {
    const list = `${count(pending.length, 'file')} to apply: ${pending.join(', ')}`
    const missing = await missingRights(database)
    if (missing.length > 0) {
      const hint = 'Connect as the owner of the database, or grant the role what it lacks.'
      return [problem('migrations', `${list}; the role of DATABASE_URL lacks ${missing.join(' and ')}`, hint)]
    }
    return [warning('migrations', list, 'Run "signalbox migrate", or start Signalbox, which does it.')]
  }
  return [
    ok('migrations', 'all applied'),
    await compressionCheck(database),
    ...(await storageChecks(database, environment)),
    ...(await workChecks(database)),
    ...(await gapsChecks(database, environment)),
    await encryptionKeyCheck(database, environment.SIGNALBOX_ENCRYPTION_KEY),
  ]
}

const COMPRESSIONS: Record<string, string> = { l: 'lz4', p: 'pglz' }

async function compressionCheck(database: Database): Promise<Check> {
  const { rows } = await database.query<{ storage: string; compression: string; usual: string }>(
    `select attstorage::text as storage, attcompression::text as compression,
       current_setting('default_toast_compression') as usual
     from pg_attribute where attrelid = 'signalbox.events'::regclass and attname = 'body'`,
  )
  const { storage = '', compression = '', usual = '' } = rows[0] ?? {}
  const by = COMPRESSIONS[compression] ?? usual
  return storage === 'x' || storage === 'm'
    ? ok('stored bodies', `compressed by the column (${by})`)
    : ok('stored bodies', 'as they came for an hour, then compressed: this server has no lz4')
}

async function listenCheck(database: Database, url: string): Promise<Check> {
  const listener = await openListener({ database, url, channels: [], onNotify: () => {}, log: silentLog })
  const status = listener.status()
  await listener.close()
  return status.mode === 'listening'
    ? ok('notifications', 'arrive: work starts at once')
    : warning(
        'notifications',
        status.reason,
        'Use a direct or session-mode connection string; until then Signalbox polls every second.',
      )
}

async function clockCheck(database: Database): Promise<Check> {
  const asked = Date.now()
  const { rows } = await database.query<{ now: Date }>('select clock_timestamp() as now')
  const here = (asked + Date.now()) / 2
  const apartMs = Math.abs((rows[0]?.now.getTime() ?? here) - here)
  const text = `${(apartMs / 1000).toFixed(1)} s apart from the database's`
  if (apartMs < CLOCK_WARNING_MS) return ok('clock', text)
  const hint = 'Set both clocks by NTP: signatures with a time fail when they are minutes apart.'
  return apartMs < CLOCK_PROBLEM_MS ? warning('clock', text, hint) : problem('clock', text, hint)
}

async function workChecks(database: Database): Promise<Check[]> {
  return [
    await orchestratorCheck(database),
    await nodesCheck(database),
    await stuckCheck(database, 'jobs', 'signalbox jobs ls --status'),
    await agentsCheck(database),
    await waitingCheck(database),
    await stuckCheck(database, 'deliveries', 'signalbox deliveries ls --status'),
    await endpointsCheck(database),
    await pausedCheck(database),
  ]
}

async function orchestratorCheck(database: Database): Promise<Check> {
  const { rows } = await database.query<{ alive: number; last: Date | null }>(
    `select count(*) filter (where ${isAlive('n')})::int as alive,
       max(heartbeat_at) as last from signalbox.nodes n where 'orchestrator' = any(roles)`,
  )
  const { alive = 0, last = null } = rows[0] ?? {}
  const beat = last === null ? 'none has run here yet' : `last heartbeat ${age(last.toISOString())} ago`
  return alive > 0
    ? ok('orchestrator', `${count(alive, 'orchestrator')} at work, ${beat}`)
    : warning('orchestrator', `none is running; ${beat}`, 'Start one with: signalbox dev   (or serve)')
}

async function stuckCheck(database: Database, noun: 'jobs' | 'deliveries', command: string): Promise<Check> {
  const { rows } = await database.query<{ lost: number; late: number }>(
    `select count(*) filter (where status = 'running' and available_at < now() - interval '1 minute')::int as lost,
       count(*) filter (where status = 'pending' and available_at < now() - interval '10 minutes' and not held
         and not exists (select from signalbox.pauses where kind = 'everything'))::int as late
     from signalbox.${noun} where status in ('running', 'pending')`,
  )
  const { lost = 0, late = 0 } = rows[0] ?? {}
  if (lost + late === 0) return ok(noun, 'none is stuck')
  const text = [
    ...(lost > 0 ? [`${lost} were left by a process that died`] : []),
    ...(late > 0 ? [`${late} have been due for ten minutes`] : []),
  ].join(', ')
  return warning(noun, text, `A running orchestrator takes them up; see ${command} ${lost > 0 ? 'running' : 'pending'}`)
}

async function waitingCheck(database: Database): Promise<Check> {
  const { rows } = await database.query<{ jobs: number; approvals: number }>(
    `select count(*)::int as jobs, count(*) filter (where exists (
       select from signalbox.job_waits w where w.job_id = jobs.id and w.kind = 'approval' and w.ended_at is null
     ))::int as approvals
     from signalbox.jobs where status = 'waiting'`,
  )
  const { jobs = 0, approvals = 0 } = rows[0] ?? {}
  if (jobs === 0) return ok('waiting', 'no job waits')
  const some = approvals === 0 ? '' : `, ${approvals} of them for approval (signalbox jobs ls --status waiting)`
  return ok('waiting', `${count(jobs, 'job')} waiting${some}`)
}

async function agentsCheck(database: Database): Promise<Check> {
  const { rows } = await database.query<{ agent: string; waiting: number }>(
    `select agent, count(*)::int as waiting from signalbox.jobs where ${LACKS_AGENT} group by agent order by agent`,
  )
  if (rows.length === 0) return ok('agents of jobs', 'no job waits for an agent that is not there')
  const list = rows.map(({ agent, waiting }) => `${count(waiting, 'job')} of "${agent}"`).join(', ')
  return warning(
    'agents of jobs',
    `due, but no running orchestrator has their agent: ${list}`,
    'Start an orchestrator whose configuration has it, or cancel the jobs.',
  )
}

const MAX_NAMED = 5

/**
 * Endpoints that Signalbox paused or disabled by itself, and active ones whose last delivery
 * did not arrive. One that a person disabled is as it should be.
 */
async function endpointsCheck(database: Database): Promise<Check> {
  const { rows } = await database.query<{ name: string; status: string; reason: string | null; error: string | null }>(
    `select e.name, e.status, e.status_reason as reason, last.error
     from signalbox.endpoints e
     left join lateral (
       select d.status, d.error from signalbox.deliveries d
       where d.endpoint_id = e.id and (d.status in ('succeeded', 'failed') or d.failures > 0)
       order by d.event_id desc limit 1
     ) last on true
     where e.gone_at is not null and e.status <> 'active' or e.heals
       or (e.status = 'active' and last.status <> 'succeeded')
     order by e.status desc, e.created_at, e.id`,
  )
  if (rows.length === 0) return ok('endpoints', 'none is failing, and none has asked for no more')
  const named = rows
    .slice(0, MAX_NAMED)
    .map(
      (row) => `"${row.name}" ${row.status === 'active' ? `fails: ${row.error}` : `is ${row.status}: ${row.reason}`}`,
    )
  const more = rows.length > MAX_NAMED ? [`and ${rows.length - MAX_NAMED} more`] : []
  return warning(
    'endpoints',
    [...named, ...more].join('; '),
    'See "signalbox endpoints ls" and "signalbox deliveries ls"; one that answered 410 is enabled, or gets another URL, by hand.',
  )
}
