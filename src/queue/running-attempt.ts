// One attempt that a worker has under way, and what running attempts need.
import type { Database } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Stopwatch } from '../lib/stopwatch.ts'
import type { LeaseTiming } from './lease-timing.ts'
import type { Queue } from './queue.ts'
import type { Lease } from './row-lease.ts'
import type { Hooks } from './settle.ts'
import type { Claimed, Handled } from './table.ts'

/** What running attempts need. */
export type RunningOptions<Row extends object, Detail> = Hooks<Row, Detail> & {
  /** Where leases are renewed, so that a renewal waits for nothing else. */
  leases: Database
  log: Log
  queue: Queue<Row, Detail>
  owner: string
  leaseMs: number
  timing: LeaseTiming
  clock: Clock
  handle(claimed: Claimed<Row>, signal: AbortSignal, lease: Lease): Promise<Handled<Detail>>
  /** Called when an attempt is ready to be settled. */
  onEnded: () => void
}

/** One attempt under way. */
export type Running<Row extends object, Detail> = {
  claimed: Claimed<Row>
  abort: AbortController
  /** Runs since the claim or renewal was sent that the lease counts from. */
  leased: Stopwatch
  /** Asks for the lease once more, before it could expire. */
  alarm: NodeJS.Timeout | undefined
  /** Null until its handler has ended. */
  handled: Handled<Detail> | null
  settleFailures: number
  /** Whether somebody else had locked the row when it was to be renewed or settled. */
  isLocked: boolean
  done: Promise<void>
}
