// What the queue knows of a table of claimable rows, and what passes between it and its users.
import type { Clock } from '../lib/clock.ts'

/**
 * A table whose rows are claimed, leased and settled, and the table of their attempts. All names
 * are constants of the program, never input.
 */
export type QueueTable<Detail = unknown> = {
  rows: string
  /** One row per ended attempt, keyed by `attemptsKey` and `attempt`. */
  attempts: string
  attemptsKey: string
  /** The status of a row that went well, and of one that was called off. */
  succeeded: string
  cancelled: string
  /**
   * Where rows belong to somebody who must not wait for others: each partition has slots of its
   * own. Without it rows have a priority.
   */
  partitions?: Partitions
  /** Where workers differ in what they can do: whether a row is of one of these kinds, in SQL. */
  ofKinds?: (kinds: string) => string
  /** The columns of an attempt that its handler's detail fills. */
  detail: readonly DetailColumn<Detail>[]
}

/** How the rows of a table are divided up. */
export type Partitions = {
  /** The column, a UUID, that says whose a row is. */
  column: string
  /**
   * The partitions that may begin something, as an item of FROM: `id`; `slots`, how many rows run
   * at once; `opens_at`, before which none begins; `rate`, how many begin in a second, or null.
   */
  limits: string
  /** Where `opens_at` is stored, for those with a rate: a table, and the column of the UUID. */
  paced: { table: string; key: string }
}

/** One column, its SQL type, and its value (as text) in a detail. */
export type DetailColumn<Detail> = {
  name: string
  type: string
  of(detail: Detail): string | number | null
}

/** A table, and the clock its statements run by. */
export type QueueOptions<Detail = unknown> = { table: QueueTable<Detail>; clock: Clock }

/** One attempt of one row: every change by its worker is fenced by these two and the owner. */
export type Attempt = { id: string; attempt: number }

/** A claimed row, all its columns included. `failures` is of the attempts before this one. */
export type Claimed<Row extends object = object> = Row &
  Attempt & {
    failures: number
    losses: number
    /** From when it was due to when it was claimed. */
    waited_ms: number
    max_attempts: number
    owner: string
    group_key: string | null
  }

/**
 * How an attempt ended. `retried` is a failure and becomes `failed` when it was the last one
 * allowed. `deferred` (come back then: a rate limit) and `released` (the worker shuts down) are no
 * failures. `waiting` has nothing to do before that time, unless somebody wakes the row.
 * `cancelled` means that there is no need for it any more. The error of a completed attempt is kept
 * with the attempt only.
 */
export type Outcome =
  | { kind: 'completed'; error?: string | null }
  | { kind: 'failed'; error: string }
  | { kind: 'cancelled'; error: string }
  | { kind: 'retried'; error: string; delayMs: number }
  | { kind: 'deferred'; error: string; delayMs: number }
  | { kind: 'released'; error: string }
  | { kind: 'waiting'; delayMs: number }

/**
 * What a handler returns: how the queue is to end the attempt, and what else is known of it. With
 * `wasDecided` it had ended before it was stopped, if it was, and only cleared up since.
 */
export type Handled<Detail> = { outcome: Outcome; detail: Detail | null; wasDecided?: boolean }

/** An attempt to be ended. */
export type Ending<Detail = unknown> = Attempt & Pick<Handled<Detail>, 'outcome' | 'detail'>

/** What has become of an attempt and its row, in the transaction that ended it. */
export type Settled<Row extends object = object, Detail = unknown> = {
  row: Claimed<Row>
  attempt: number
  /** What the row of the attempt says. */
  outcome: string
  /** The row's status now. */
  status: string
  error: string | null
  /** Null when the handler had none, and for the attempt of a lost worker. */
  detail: Detail | null
}
