// The queue over one table: every statement that claims, leases or ends its rows.
import type { Claims } from './claim.ts'
import { claimsOn } from './claim.ts'
import { firstLiveOn } from './first-live.ts'
import type { Leases } from './lease.ts'
import { leasesOn } from './lease.ts'
import type { Ended, Settlement } from './settle.ts'
import { settlementOn } from './settle.ts'
import type { QueueOptions } from './table.ts'

/** Everything that is done to claimable rows. Each function takes the connection it runs on. */
export type Queue<Row extends object, Detail> = Claims<Row> & Leases<Row> & Settlement<Detail>

/** The queue over a table. */
export function queueOn<Row extends object = object, Detail = unknown>(
  options: QueueOptions<Detail>,
): Queue<Row, Detail> {
  const first = firstLiveOn(options)
  const [claims, leases, settlement] = [claimsOn<Row>(options, first), leasesOn<Row>(options), settlementOn(options)]
  // A row that is put back comes before those that were never claimed.
  return {
    ...claims,
    ...leases,
    ...settlement,
    async settle(sql, options) {
      const ended = await settlement.settle(sql, options)
      const released = new Set(options.endings.filter(({ outcome }) => outcome.kind === 'released').map(({ id }) => id))
      // What is repeated is due later; what was released, or repeated by hand, was due before.
      const isBefore = ({ id, status, outcome }: Ended) =>
        status === 'pending' && (outcome !== 'retried' || released.has(id))
      if (ended.some(isBefore)) first.forget()
      return ended
    },
    async releaseUnclaimed(sql, mine) {
      await settlement.releaseUnclaimed(sql, mine)
      first.forget()
    },
    async reclaimExpired(sql, which) {
      const lost = await leases.reclaimExpired(sql, which)
      if (lost.length > 0) first.forget()
      return lost
    },
  }
}
