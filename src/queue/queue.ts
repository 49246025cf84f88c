// The queue over one table: every statement that claims, leases or ends its rows.
import type { Claims } from './claim.ts'
import { claimsOn } from './claim.ts'
import type { Leases } from './lease.ts'
import { leasesOn } from './lease.ts'
import type { Settlement } from './settle.ts'
import { settlementOn } from './settle.ts'
import type { QueueOptions } from './table.ts'

/** Everything that is done to claimable rows. Each function takes the connection it runs on. */
export type Queue<Row extends object, Detail> = Claims<Row> & Leases<Row> & Settlement<Detail>

/** The queue over a table. */
export function queueOn<Row extends object = object, Detail = unknown>(
  options: QueueOptions<Detail>,
): Queue<Row, Detail> {
  return { ...claimsOn<Row>(options), ...leasesOn<Row>(options), ...settlementOn<Detail>(options) }
}
