// All that is judged, and what is counted of it.
import { excusedOverlaps, judgeAttempts } from './attempts.ts'
import { judgeDeliveries, judgeEffects } from './effects.ts'
import { isSuccess, judgeEvents, judgeJobs } from './events-and-jobs.ts'
import type { Evidence } from './evidence.ts'
import type { Problem } from './problem.ts'
import { countBy } from './problem.ts'

/** Numbers by what they count. */
export type Counts = Record<string, number>

/** Compares everything with what it has to be. */
export function judge(evidence: Evidence, { leaseMs }: { leaseMs: number }): { problems: Problem[]; counts: Counts } {
  const problems = [
    ...judgeEvents(evidence),
    ...judgeJobs(evidence),
    ...judgeAttempts(evidence, { leaseMs, slackMs: leaseMs / 4 }),
    ...judgeEffects(evidence),
    ...judgeDeliveries(evidence),
  ]
  return { problems, counts: countsOf(evidence, leaseMs) }
}

function countsOf({ log, jobs, attempts, effects, deliveries, journal }: Evidence, leaseMs: number): Counts {
  const of = <What extends (typeof log)[number]['what']>(what: What) =>
    log.filter((entry): entry is Extract<(typeof log)[number], { what: What }> => entry.what === what)
  const answers = of('answer')
  const acknowledged = answers.filter(({ status }) => isSuccess(status))
  const outcomes = countBy(attempts.map(({ outcome }) => outcome))
  const statuses = countBy(jobs.map(({ status }) => status))
  const refused = countBy(
    answers.flatMap(({ status, error }) => (isSuccess(status) ? [] : [error ?? `answer ${status}`])),
  )
  return {
    webhooks: of('webhook').length,
    'webhooks acknowledged': new Set(acknowledged.map(({ delivery }) => delivery)).size,
    'acknowledged again': acknowledged.length - new Set(acknowledged.map(({ delivery }) => delivery)).size,
    ...withPrefix('not acknowledged: ', refused),
    ...withPrefix('jobs ', statuses),
    attempts: attempts.length,
    ...withPrefix('attempts ', outcomes),
    'runs of agents': journal?.filter(({ what }) => what === 'begin').length ?? 0,
    'effects at GitHub': effects.length,
    deliveries: deliveries.length,
    'deliveries received': of('received').length,
    'two of a group at once, one in a process that stalled': excusedOverlaps(journal, leaseMs),
  }
}

function withPrefix(prefix: string, counts: ReadonlyMap<string, number>): Counts {
  return Object.fromEntries([...counts].sort().map(([name, n]) => [prefix + name, n]))
}
