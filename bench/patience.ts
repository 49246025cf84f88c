// A shared machine: what to do about the work of others.
import { setTimeout as wait } from 'node:timers/promises'
import { watchOthers } from './machine.ts'
import { median } from './statistics.ts'

const LOOK_MS = 500
const LONGEST_WAIT_MS = 120_000

/** Measures when the machine is quiet, and again when it was not. */
export type Patience = {
  measure<Result>(run: () => Promise<Result>): Promise<Result>
  /** How much of the machine others used while what counts was measured. */
  describe(): string
}

/**
 * Others may use `share` of the machine's CPU (0 to 1) while something is measured; else it is measured again, at most `tries` times in
 * all, and then the quietest counts. Without `tries` everything counts as it comes.
 */
export const patience = (options: { tries: number; share: number; oursUs: () => number }): Patience => {
  const { tries, share, oursUs } = options
  const shares: number[] = []
  const untilQuiet = async () => {
    for (let waited = 0; tries > 1 && waited < LONGEST_WAIT_MS; waited += LOOK_MS) {
      const others = watchOthers(oursUs)
      await wait(LOOK_MS)
      if (others() <= share) return
    }
  }
  return {
    async measure(run) {
      let best = { result: undefined as Awaited<ReturnType<typeof run>> | undefined, others: Number.POSITIVE_INFINITY }
      for (let i = 0; i < Math.max(1, tries) && best.others > share; i++) {
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
