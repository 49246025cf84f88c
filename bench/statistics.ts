// From samples to what is printed: medians with their range, ratios, and Markdown tables.

const sorted = (samples: readonly number[]): number[] => [...samples].sort((a, b) => a - b)

/** The value below which this share (0 to 1) of the samples lies. */
export const quantile = (samples: readonly number[], share: number): number => {
  const all = sorted(samples)
  return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN
}

/** The middle sample, or the mean of the two in the middle. */
export const median = (samples: readonly number[]): number => {
  const all = sorted(samples)
  const middle = all.length / 2
  return all.length % 2 === 1 ? (all[Math.floor(middle)] ?? 0) : ((all[middle - 1] ?? 0) + (all[middle] ?? 0)) / 2
}

/** `1234 [1100–1300]`. */
export const withRange = (samples: readonly number[], digits = 0): string =>
  `${median(samples).toFixed(digits)} [${Math.min(...samples).toFixed(digits)}–${Math.max(...samples).toFixed(digits)}]`

/**
 * The ratio of two series measured in the same rounds: the median of the rounds' own ratios, so that a slow minute of the
 * machine, which both have seen, cancels out.
 */
export const ratios = (over: readonly number[], under: readonly number[]): number[] =>
  over.map((value, round) => value / (under[round] ?? Number.NaN))

/** A Markdown table; all columns but the first are right-aligned. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
