// Which webhooks were never acknowledged, and in which times: computed from a forge's list (pure).
import type { HookAttempt } from '../forges/hooks.ts'

// Two that were missed are of one gap unless the server answered in the meantime, and this passed.
const QUIET_MS = 5 * 60_000

/** A webhook of which no attempt was acknowledged. */
export type Missed = {
  guid: string
  event: string
  /** When it was sent first. */
  at: Date
  /** The last attempt, and what it was answered. */
  id: string
  status: number
}

/** What a list says. */
export type Listed = {
  /** How many attempts it has. */
  attempts: number
  /** The time of the newest; null when there is none. */
  newest: Date | null
  /** Oldest first. */
  missed: Missed[]
  /** When webhooks were acknowledged, oldest first. */
  acknowledged: number[]
}

/** Reads a list page by page, in any order and with repetitions. */
export function readList(since: Date): { add(page: readonly HookAttempt[]): void; listed(): Listed } {
  const attempts = new Map<string, HookAttempt>()
  return {
    add(page) {
      for (const attempt of page) if (attempt.at >= since) attempts.set(attempt.id, attempt)
    },
    listed() {
      const byTime = [...attempts.values()].sort((a, b) => a.at.getTime() - b.at.getTime() || compare(a.id, b.id))
      const answered = byTime.filter(({ status }) => status >= 200 && status < 300)
      const acknowledged = new Set(answered.map(({ guid }) => guid))
      const missed = new Map<string, Missed>()
      for (const { guid, event, at, id, status } of byTime) {
        // A ping only asks whether the server is there.
        if (event === 'ping' || acknowledged.has(guid)) continue
        missed.set(guid, { guid, event, at: missed.get(guid)?.at ?? at, id, status })
      }
      return {
        attempts: attempts.size,
        newest: byTime.at(-1)?.at ?? null,
        missed: [...missed.values()],
        acknowledged: answered.map(({ at }) => at.getTime()),
      }
    },
  }
}

/** Ids are numbers, which may be too large for one. */
function compare(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
}

/** What was missed, by the times in which the server did not answer; oldest first. */
export function gapsOf<Each extends Pick<Missed, 'at'>>(
  missed: readonly Each[],
  acknowledged: readonly number[],
): Each[][] {
  const gaps: Each[][] = []
  let last: Date | null = null
  for (const each of missed) {
    if (last === null || isApart(last.getTime(), each.at.getTime(), acknowledged)) gaps.push([])
    gaps.at(-1)?.push(each)
    last = each.at
  }
  return gaps
}

function isApart(from: number, to: number, acknowledged: readonly number[]): boolean {
  return to - from > QUIET_MS && acknowledged.some((at) => at > from && at < to)
}
