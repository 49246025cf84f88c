// What the queue knows of a table of claimable rows. The names are constants of the program, never
// input.

/** A table whose rows are claimed, leased and settled: jobs and deliveries. */
export type QueueTable = {
  rows: string
  /** One row per try, keyed by `attemptsKey` and `attempt`. */
  attempts: string
  attemptsKey: string
  /** The status of a row that went well, and of one that was called off. */
  succeeded: 'completed' | 'succeeded'
  cancelled: 'cancelled' | 'skipped'
  /** Whether the row and its attempt have a `result` column. */
  keepsResult: boolean
}

export const JOBS: QueueTable = {
  rows: 'signalbox.jobs',
  attempts: 'signalbox.job_attempts',
  attemptsKey: 'job_id',
  succeeded: 'completed',
  cancelled: 'cancelled',
  keepsResult: true,
}

export const DELIVERIES: QueueTable = {
  rows: 'signalbox.deliveries',
  attempts: 'signalbox.delivery_attempts',
  attemptsKey: 'delivery_id',
  succeeded: 'succeeded',
  cancelled: 'skipped',
  keepsResult: false,
}

/** One try of one row: every change by its worker is fenced by these two and the owner. */
export type Try = { id: string; attempt: number }

/** A claimed row, all its columns included. */
export type Claimed<Row extends object = object> = Row &
  Try & { max_attempts: number; owner: string; priority: number; group_key: string | null }

/**
 * How a try ended. `retried` becomes `failed` when no attempt is left. `deferred` (come back then:
 * a rate limit) and `released` (the worker shuts down) give the try back without using it up.
 * `cancelled` means that there is no need for it any more.
 */
export type Outcome =
  | { kind: 'completed'; result?: unknown }
  | { kind: 'failed'; error: string }
  | { kind: 'cancelled'; error: string }
  | { kind: 'retried'; error: string; delayMs: number }
  | { kind: 'deferred'; error: string; delayMs: number }
  | { kind: 'released'; error: string }

/** What became of a row, as the transaction that settles it sees it. */
export type Settled = Try & { status: string; error: string | null }
