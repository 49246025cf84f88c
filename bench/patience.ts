// A shared machine: what to do about the work of others.
import { setTimeout as wait } from 'node:timers/promises'
import { watchOthers } from './machine.ts'
import { median } from './statistics.ts'

const LOOK_MS = 500
const LONGEST_WAIT_MS = 120_000
// The part of the machine that others may use while something is measured.
const MAX_SHARE = 0.1

/** Measures when the machine is quiet, and again when it was not. */
export type Patience = {
  measure<Result>(run: () => Promise<Result>): Promise<Result>
  /** How much of the machine others used while what counts was measured. */
  describe(): string
}

/**
 * Measures again, at most `attempts` times in all, when others used too much of the machine; then
 * the quietest counts. With `attempts` 1 everything counts as it comes. `oursUs` is the CPU time of
 * PostgreSQL.
 */
export function patience({ attempts, oursUs }: { attempts: number; oursUs: () => number }): Patience {
  const shares: number[] = []
  async function untilQuiet() {
    for (let waited = 0; attempts > 1 && waited < LONGEST_WAIT_MS; waited += LOOK_MS) {
      const others = watchOthers(oursUs)
      await wait(LOOK_MS)
      if (others() <= MAX_SHARE) return
    }
  }
  return {
    async measure(run) {
      let best = { result: undefined as Awaited<ReturnType<typeof run>> | undefined, others: Number.POSITIVE_INFINITY }
      for (let i = 0; i < Math.max(1, attempts) && best.others > MAX_SHARE; i++) {
        await untilQuiet()
        const asked = watchOthers(oursUs)
        const result = await run()
        const others = asked()
        if (others < best.others) best = { result, others }
      }
      shares.push(best.others)
      return best.result as Awaited<ReturnType<typeof run>>
    },
    describe: () => {
      const percent = (part: number) => `${(part * 100).toFixed(0)} %`
      return `Others used ${percent(median(shares))} of the machine meanwhile (at most ${percent(Math.max(...shares))})`
    },
  }
}
