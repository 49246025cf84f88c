// What the jobs of a rule would cost: the mean of those before, as many times (pure).
import type { RuleCost } from './history.ts'

/** An estimate, and what it is made of; null where no job says anything. */
export type Estimate = {
  tokens: number
  usd: number | null
  seconds: number
  /** Whose jobs it is the mean of, and how many of them. */
  of: 'rule' | 'agent'
  jobs: number
}

/** Estimates so many jobs of a rule: by its own jobs, else by those of its agent. */
export function estimate(
  costs: readonly RuleCost[],
  { rule, agent, jobs }: { rule: string; agent: string; jobs: number },
): Estimate | null {
  const own = costs.filter((cost) => cost.rule === rule && cost.agent === agent)
  const used = own.length > 0 ? own : costs.filter((cost) => cost.agent === agent)
  const sum = (of: (cost: RuleCost) => number | null) => used.reduce((total, cost) => total + (of(cost) ?? 0), 0)
  const before = sum((cost) => cost.jobs)
  if (before === 0) return null
  const times = jobs / before
  return {
    tokens: sum(({ tokens }) => tokens) * times,
    usd: used.every(({ usd }) => usd === null) ? null : sum(({ usd }) => usd) * times,
    seconds: sum(({ seconds }) => seconds) * times,
    of: own.length > 0 ? 'rule' : 'agent',
    jobs: before,
  }
}
