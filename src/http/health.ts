// Whether this server works, and what is wrong: for people, monitors, and the probes of Kubernetes.
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { unavailable } from '../db/connection.ts'
import { AppError, errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import { methodNotAllowed } from './errors.ts'
import type { Part, PartName, Parts } from './health-parts.ts'
import { databaseFailed, PARTS } from './health-parts.ts'
import { respond } from './respond.ts'

/** Looks at everything. */
export type Examine = {
  /** What the database knows; may take as long as it takes. */
  database(): Promise<Omit<Parts, 'disk'>>
  disks(): Promise<Part>
  /** Why nothing can be recorded, if that was so in the last seconds. */
  recordingFailure?: () => unknown
}

/** The health of one process. */
export type Health = {
  /** How every part does: looked at now, or within the last second. Takes two seconds at most. */
  examine(): Promise<Parts>
  /** What was found last; null before the first time. */
  last(): Parts | null
  /** Looks from time to time, and logs when something begins to be wrong, and when it ends. */
  watch(log: Log): Repeated
}

const TIMEOUT_MS = 2_000
const DISK_MS = 1_000
const KEPT_MS = 1_000
const WATCH_MS = 10_000

/** Opens the health of one process. However many ask, one of them at a time asks the database. */
export function openHealth(examine: Examine, now: () => number = () => performance.now()): Health {
  const disks = bounded(examine.disks)
  let asking: Promise<Parts> | null = null
  let last: Parts | null = null
  let until = 0

  async function look(): Promise<Parts> {
    const [found, disk] = await Promise.all([examine.database(), disks()])
    const failure = found.database.status === 'ok' ? (examine.recordingFailure?.() ?? null) : null
    const database: Part = failure === null ? found.database : notRecording(failure, found.database)
    return { ...found, database, disk }
  }

  function ask(): Promise<Parts> {
    asking ??= look()
      .then((parts) => {
        last = parts
        until = now() + KEPT_MS
        return parts
      })
      .finally(() => {
        asking = null
      })
    return asking
  }

  async function report(): Promise<Parts> {
    if (last !== null && now() < until) return last
    const disk = disks()
    const answer = await inTime(ask(), TIMEOUT_MS)
    if (answer !== null) return answer
    const hanging = databaseFailed(unavailable(new Error('it took too long')))
    return { ...hanging, disk: await disk }
  }

  return {
    examine: report,
    last: () => last,
    watch(log) {
      const wrong = new Map<PartName, { since: number; problem: string | null }>()
      const compare = async () => {
        const parts = await report()
        for (const part of PARTS) logChange(log, { part, wrong, now }, parts[part])
      }
      return every(WATCH_MS, compare, { log, name: 'health' })
    },
  }
}

function notRecording(failure: unknown, { details }: Part): Part {
  const cause = failure instanceof AppError && failure.cause !== undefined ? failure.cause : failure
  return { status: 'problem', problem: 'Nothing can be recorded.', details: { ...details, reason: errorText(cause) } }
}

type Watched = {
  part: PartName
  wrong: Map<PartName, { since: number; problem: string | null }>
  now: () => number
}

/** Logs one line when a part becomes wrong, or wrong in another way, and one when it is well. */
function logChange(log: Log, { part, wrong, now }: Watched, { status, problem, details }: Part): void {
  if (status === 'unknown') return
  const before = wrong.get(part)
  if (problem === (before?.problem ?? null)) return
  const about = { part, ...details }
  if (problem !== null) {
    wrong.set(part, { since: before?.since ?? now(), problem })
    log.warn({ about }, `${part}: ${problem}`)
  } else if (before !== undefined) {
    wrong.delete(part)
    const seconds = Math.round((now() - before.since) / 1000)
    log.info({ about: { ...about, seconds } }, `${part}: well again after ${seconds} s`)
  }
}

/**
 * Looks at disks, and waits for one that hangs only so long. It is not asked again meanwhile:
 * each question keeps one of the few threads that Node reads files with.
 */
function bounded(look: () => Promise<Part>): () => Promise<Part> {
  let asking: Promise<Part> | null = null
  return async () => {
    asking ??= look().finally(() => {
      asking = null
    })
    return (await inTime(asking, DISK_MS)) ?? { status: 'problem', problem: 'A disk does not answer.', details: {} }
  }
}

/** Null when it takes too long. */
async function inTime<T>(answer: Promise<T>, ms: number): Promise<T | null> {
  const { promise: timeout, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(resolve, ms, null)
  try {
    return await Promise.race([answer, timeout])
  } finally {
    clearTimeout(timer)
  }
}

type ShownPart = { status: Part['status']; problem: string | null; details?: Part['details'] }

/** What `GET /health` answers; `details` are for whoever may see them. */
export function healthAnswer(version: string, parts: Parts, hasDetails: boolean) {
  const isRecording = parts.database.status === 'ok'
  const isWell = PARTS.every((name) => parts[name].status !== 'problem')
  const shown = PARTS.map((name): [PartName, ShownPart] => {
    const { status, problem, details } = parts[name]
    return [name, hasDetails ? { status, problem, details } : { status, problem }]
  })
  return {
    status: !isRecording ? ('unhealthy' as const) : isWell ? ('healthy' as const) : ('degraded' as const),
    service: 'signalbox' as const,
    version,
    database: isRecording ? ('connected' as const) : ('unavailable' as const),
    parts: Object.fromEntries(shown) as Record<PartName, ShownPart>,
  }
}

/** What the routes of health are made from. */
export type HealthParts = {
  version: string
  health: Health
  /** Whether a caller may see numbers and reasons. */
  mayKnow(authorization: string | undefined): boolean
}

/**
 * Mounts `GET /health`: 200, or 503 while nothing can be recorded. `?part=live` answers without
 * looking at anything, `?part=ready` with 503 when a webhook would not be acknowledged, and
 * `?part=` with the name of a part with 503 when that one has a problem.
 */
export function healthRoutes({ version, health, mayKnow }: HealthParts): Hono<{ Bindings: HttpBindings }> {
  return new Hono<{ Bindings: HttpBindings }>()
    .get('/health', async (c) => {
      const part = requirePart(c.req.query('part'))
      if (part === 'live') return respond({ status: 'healthy', service: 'signalbox', version })
      const parts = await health.examine()
      const answer = healthAnswer(version, parts, mayKnow(c.req.header('authorization')))
      const isWell = part === undefined ? parts.database.status === 'ok' : isPartWell(parts, part)
      return respond(
        part === undefined || part === 'ready' ? answer : { ...answer, parts: { [part]: answer.parts[part] } },
        {
          status: isWell ? 200 : 503,
        },
      )
    })
    .all('/health', methodNotAllowed('GET'))
}

type Asked = PartName | 'live' | 'ready'

function requirePart(name: string | undefined): Asked | undefined {
  const known: readonly string[] = ['live', 'ready', ...PARTS]
  if (name === undefined || known.includes(name)) return name as Asked | undefined
  throw new AppError('input_invalid', `part: must be one of ${known.join(', ')}.`)
}

function isPartWell(parts: Parts, part: Exclude<Asked, 'live'>): boolean {
  const names: readonly PartName[] = part === 'ready' ? ['database', 'disk'] : [part]
  return names.every((name) => parts[name].status === 'ok' || parts[name].status === 'warning')
}
