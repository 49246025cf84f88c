// The queue over one table: every statement that claims, leases or ends its rows.
import type { Claims } from './claim.ts'
import { claimsOn } from './claim.ts'
import { firstLiveOn } from './first-live.ts'
import type { Leases } from './lease.ts'
import { leasesOn } from './lease.ts'
import type { Ended, Settlement } from './settle.ts'
import { settlementOn } from './settle.ts'
import type { Outcome, QueueOptions } from './table.ts'

/** Everything that is done to claimable rows. Each function takes the connection it runs on. */
export type Queue<Row extends object, Detail> = Claims<Row> & Leases<Row> & Settlement<Detail>

/** The queue over a table. */
export function queueOn<Row extends object = object, Detail = unknown>(
  options: QueueOptions<Detail>,
): Queue<Row, Detail> {
  const first = firstLiveOn(options)
  const [claims, leases, settlement] = [claimsOn<Row>(options, first), leasesOn<Row>(options), settlementOn(options)]
  /** A row that is put back comes before those never claimed, and so it may without an answer. */
  async function forgetting<T>(change: () => Promise<{ value: T; isBefore: boolean }>): Promise<T> {
    let isBefore = true
    try {
      const changed = await change()
      isBefore = changed.isBefore
      return changed.value
    } finally {
      if (isBefore) first.forget()
    }
  }
  return {
    ...claims,
    ...leases,
    ...settlement,
    settle: (sql, options) =>
      forgetting(async () => {
        const ended = await settlement.settle(sql, options)
        const early = new Set(options.endings.filter(({ outcome }) => isEarly(outcome)).map(({ id }) => id))
        // What is repeated is due later; what a person repeats was due before.
        const isBefore = ({ id, status, outcome }: Ended) =>
          early.has(id) || (status === 'pending' && outcome !== 'retried')
        return { value: ended, isBefore: ended.some(isBefore) }
      }),
    releaseUnclaimed: (sql, mine) =>
      forgetting(async () => ({ value: await settlement.releaseUnclaimed(sql, mine), isBefore: true })),
    reclaimExpired: (sql, which) =>
      forgetting(async () => {
        const lost = await leases.reclaimExpired(sql, which)
        return { value: lost, isBefore: lost.length > 0 }
      }),
  }
}

/** Whether the row may be due where it was before. */
function isEarly(outcome: Outcome): boolean {
  return outcome.kind === 'released' || (outcome.kind === 'waiting' && outcome.delayMs <= 0)
}
