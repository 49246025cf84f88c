// How often somebody may do something: a bucket of tokens for each key, in bounded memory.
import { AppError } from '../lib/error.ts'

/** What is left of a key's quota. */
export type Quota = {
  /** Whether one more may be done. */
  isLeft: boolean
  /** `RateLimit-Policy` and `RateLimit`; with `Retry-After` when nothing is left. */
  headers(): Record<string, string>
}

/** Counts by keys, such as client addresses. */
export type RequestRate = {
  /** Counts one more, if one is left, and says what is left then. */
  take(key: string): Quota
  /** Says whether one more may be done, and counts nothing. */
  look(key: string): Quota
}

/** The options of a rate. */
export type RequestRateOptions = {
  /** The name of the quota in the headers. */
  name: string
  /** How many a minute, and after a pause that many at once; 0 is no limit. */
  perMinute: number
  /** How many keys are remembered. Default 50,000, some 5 MB. */
  maxKeys?: number
  /** Milliseconds of a clock that never goes back. */
  now?: () => number
}

const MINUTE_MS = 60_000
const MAX_KEYS = 50_000
const UNLIMITED: Quota = { isLeft: true, headers: () => ({}) }

/**
 * Opens a rate. Of each key one number is kept: when its bucket will be full again (the generic
 * cell rate algorithm). Whoever has more addresses than are remembered has a full bucket with each,
 * as if they were new, and takes nothing from others.
 */
export function requestRate(options: RequestRateOptions): RequestRate {
  const { name, perMinute, maxKeys = MAX_KEYS, now = () => performance.now() } = options
  if (perMinute === 0) return { take: () => UNLIMITED, look: () => UNLIMITED }
  const everyMs = MINUTE_MS / perMinute
  // Two generations: when the younger is half of all, it becomes the older, and that is forgotten.
  // In one map the oldest entry is the slower to find the more were deleted before it.
  let younger = new Map<string, number>()
  let older = new Map<string, number>()

  function count(key: string, cost: 0 | 1): Quota {
    const time = now()
    const before = Math.max(younger.get(key) ?? older.get(key) ?? 0, time)
    const isLeft = before + everyMs <= time + MINUTE_MS
    const after = isLeft ? before + cost * everyMs : before
    if (isLeft && cost === 1) {
      younger.set(key, after)
      if (younger.size >= maxKeys / 2) [older, younger] = [younger, new Map()]
    }
    return { isLeft, headers: () => headersOf(isLeft, after - time) }
  }

  /** As in draft-ietf-httpapi-ratelimit-headers-10. */
  function headersOf(isLeft: boolean, usedMs: number): Record<string, string> {
    const remaining = Math.max(0, Math.floor((MINUTE_MS - usedMs) / everyMs))
    return {
      'ratelimit-policy': `"${name}";q=${perMinute};w=60`,
      ratelimit: `"${name}";r=${remaining};t=${Math.ceil(usedMs / 1000)}`,
      ...(!isLeft && { 'retry-after': `${Math.max(1, Math.ceil((usedMs + everyMs - MINUTE_MS) / 1000))}` }),
    }
  }

  return { take: (key) => count(key, 1), look: (key) => count(key, 0) }
}

/**
 * Lets pass while something is left.
 * @throws AppError `rate_limited` when nothing is.
 */
export function requireLeft({ isLeft, headers }: Quota, detail: string): void {
  if (!isLeft) throw new AppError('rate_limited', detail, { headers: headers() })
}
