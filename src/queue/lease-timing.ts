// How long a lease is, and every time that follows from it.

/** How long a row belongs to a silent worker. */
export const LEASE_MS = 30_000

/** The times that follow from a lease, in milliseconds. */
export type LeaseTiming = {
  /** From one renewal to the next. */
  renewMs: number
  /** What the answer to a renewal may take. */
  answerMs: number
  /** From the sending of the last renewal that was answered until the worker asks once more … */
  alarmMs: number
  /** … and until it stops its work when that is not answered either. */
  abortMs: number
  /** What stopped work may take to end. */
  stopGraceMs: number
  /** What a stopped program gets between SIGTERM and SIGKILL. */
  killGraceMs: number
  /** How long a drain waits for the work that it has stopped. */
  drainGraceMs: number
}

/**
 * The times for a lease. Work that is stopped because its lease could not be renewed has ended,
 * with a thirtieth of the lease to spare, before another worker may begin. Of a lease of 30 s:
 * renewed every 10 s, answered within 5; asked once more after 18 s, stopped after 23, over at 29.
 */
export function leaseTiming(leaseMs: number): LeaseTiming {
  const answerMs = leaseMs / 6
  const stopGraceMs = leaseMs / 5
  const abortMs = leaseMs - stopGraceMs - leaseMs / 30
  return {
    renewMs: leaseMs / 3,
    answerMs,
    alarmMs: abortMs - answerMs,
    abortMs,
    stopGraceMs,
    killGraceMs: (stopGraceMs * 5) / 6,
    drainGraceMs: stopGraceMs + 1000,
  }
}
