// Which findings come first: what matters most, is most surely true, and is quickest to check.
import type { Found } from '../../findings/finding.ts'
import { SEVERITIES } from '../../findings/finding.ts'

const WEIGHT = { high: 9, medium: 3, low: 1 }
const COST = { low: 1, medium: 2, high: 4 }

/** The findings, the most useful first. */
export function ranked(findings: readonly Found[]): Found[] {
  return findings.toSorted((one, other) => worthOf(other) - worthOf(one) || (one.path < other.path ? -1 : 1))
}

function worthOf({ severity, confidence, cost }: Found): number {
  return (WEIGHT[severity] * confidence) / COST[cost]
}

/** Whether it is at least so severe. */
export function isAtLeast({ severity }: Pick<Found, 'severity'>, level: Found['severity'] | 'never'): boolean {
  return level !== 'never' && SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(level)
}
