// How an endpoint does, from what came of its deliveries: when it is left alone, tried again,
// and disabled (pure).
import { backoffMs } from '../lib/backoff.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/**
 * So many failures in a row, or fewer over a longer time, and it is only tried now and then.
 */
const MANY_FAILURES = 10
const SOME_FAILURES = { count: 4, forMs: 30 * MINUTE }
/** While it recovers fewer are enough. */
const FAILURES_AGAIN = 3
/** From one of these attempts to the next; a disabled endpoint is asked even less often. */
const PROBES = { baseMs: 5_000, maxMs: 10 * MINUTE }
const PROBES_DISABLED = { baseMs: 10 * MINUTE, maxMs: 60 * MINUTE }
const DISABLED_AFTER_MS = 5 * DAY
/**
 * Deliveries under way at once after the first success; twice as many after each that follows.
 */
const FIRST_SLOTS = 2
const ALL_SLOTS = 32

/** The health of one endpoint. */
export type Health = {
  /**
   * `open`: left alone but for one attempt from time to time. `recovering`: the first of these
   * has succeeded, and what waits is sent by and by.
   */
  state: 'closed' | 'open' | 'recovering'
  /** How many deliveries may be under way at once; null is what the endpoint allows. */
  slots: number | null
  /** When the next may begin; null is at any time. */
  opensAt: Date | null
  /** Failures since the last success, and since when. */
  failures: number
  failingSince: Date | null
  /** Attempts that failed since it is open. */
  probes: number
  /** Whether it was disabled because it failed for days. */
  isDisabled: boolean
}

/**
 * What an attempt says of its endpoint: nothing when the fault is not the endpoint's. `waitMs`
 * is how long it asked to be left alone.
 */
export type Result = { kind: 'success' | 'failure' | 'neither'; waitMs?: number | undefined }

/** What is to be said of an endpoint, and done about it. */
export type HealthChange = 'failing' | 'disabled' | 'recovered'

/** The health of an endpoint that nothing is known of. */
export const HEALTHY: Health = {
  state: 'closed',
  slots: null,
  opensAt: null,
  failures: 0,
  failingSince: null,
  probes: 0,
  isDisabled: false,
}

/**
 * The health after one more attempt, and what has changed by it. Ten failures in a row, or four
 * over half an hour, open it: from then on one delivery is attempted from time to time, from 5
 * s up to 10 minutes apart. After five days of nothing but failure it is disabled, and tried
 * every hour. The first success ends all of that.
 */
export function healthAfter(health: Health, result: Result, now: Date): After {
  if (result.kind === 'success') return afterSuccess(health)
  const { waitMs } = result
  const after = result.kind === 'failure' ? afterFailure(health, now) : { health, change: null }
  return waitMs === undefined ? after : { ...after, health: leftAlone(after.health, now, waitMs) }
}

type After = { health: Health; change: HealthChange | null }

function afterSuccess(health: Health): After {
  const isBack = health.state === 'open' || health.isDisabled
  const slots = isBack ? FIRST_SLOTS : health.slots === null ? null : health.slots * 2
  const isWhole = slots === null || slots >= ALL_SLOTS
  const next: Health = { ...HEALTHY, state: isWhole ? 'closed' : 'recovering', slots: isWhole ? null : slots }
  return { health: { ...next, opensAt: isBack ? null : health.opensAt }, change: isBack ? 'recovered' : null }
}

function afterFailure(health: Health, now: Date): After {
  const failingSince = health.failingSince ?? now
  const failed = { ...health, failures: health.failures + 1, failingSince }
  const failingMs = now.getTime() - failingSince.getTime()
  if (!health.isDisabled && failingMs >= DISABLED_AFTER_MS) {
    return { health: opened({ ...failed, isDisabled: true, probes: 0 }, now), change: 'disabled' }
  }
  if (health.state === 'open' || health.isDisabled) {
    // What was under way when it opened says nothing new.
    const isProbe = health.opensAt === null || health.opensAt <= now
    return { health: isProbe ? opened(failed, now) : failed, change: null }
  }
  const isSlow = failed.failures >= SOME_FAILURES.count && failingMs >= SOME_FAILURES.forMs
  const many = health.state === 'recovering' ? FAILURES_AGAIN : MANY_FAILURES
  const opens = failed.failures >= many || isSlow
  return opens ? { health: opened({ ...failed, probes: 0 }, now), change: 'failing' } : { health: failed, change: null }
}

function opened(health: Health, now: Date): Health {
  const probes = health.probes + 1
  const waitMs = backoffMs(probes, health.isDisabled ? PROBES_DISABLED : PROBES)
  return { ...leftAlone(health, now, waitMs), state: 'open', slots: 1, probes }
}

function leftAlone(health: Health, now: Date, waitMs: number): Health {
  const until = new Date(now.getTime() + waitMs)
  return { ...health, opensAt: health.opensAt !== null && health.opensAt > until ? health.opensAt : until }
}
