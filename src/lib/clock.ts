// Time, injected: the system's clock, or one that a test moves by hand.

/** Where every module gets the time from. */
export type Clock = {
  now(): Date
  /**
   * The "now" that is bound to a statement. Null means the database's own clock, so that hosts
   * whose clocks differ agree.
   */
  sqlNow(): Date | null
}

/** The real clock. Statements use the database's. */
export const systemClock: Clock = { now: () => new Date(), sqlNow: () => null }

/** A clock for tests: it stands still until `advance`, and statements use it too. */
export function fakeClock(start = '2026-01-01T00:00:00Z'): Clock & { advance(ms: number): void } {
  let at = new Date(start).getTime()
  const now = () => new Date(at)
  return {
    now,
    sqlNow: now,
    advance(ms) {
      at += ms
    },
  }
}
