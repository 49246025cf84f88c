// From samples to what is printed: medians with their range, ratios, and Markdown tables.

/** The value below which this share (0 to 1) of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const all = sorted(samples)
  return all[Math.min(all.length - 1, Math.floor(all.length * share))] ?? Number.NaN
}

/** The middle sample, or the mean of the two in the middle. */
export function median(samples: readonly number[]): number {
  const all = sorted(samples)
  const middle = all.length / 2
  return all.length % 2 === 1 ? (all[Math.floor(middle)] ?? 0) : ((all[middle - 1] ?? 0) + (all[middle] ?? 0)) / 2
}

/** `1234 [1100–1300]`. */
export function withRange(samples: readonly number[], digits = 0): string {
  return `${median(samples).toFixed(digits)} [${Math.min(...samples).toFixed(digits)}–${Math.max(...samples).toFixed(digits)}]`
}

/**
 * The ratio of two series measured in the same rounds, round by round. A slow minute of the
 * machine, which affected both, cancels out.
 */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((value, round) => value / (under[round] ?? Number.NaN))
}

/** A Markdown table; all columns but the first are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** A column of a comparison: its title, and the number it compares. */
export type Measure<Sample> = { title: string; of(sample: Sample): number }

/** A table of ratios, one row for each pair of names that was measured; null when none was. */
export function ratiosTable<Sample>(
  samples: ReadonlyMap<string, readonly Sample[]>,
  pairs: readonly (readonly [over: string, under: string])[],
  measures: readonly Measure<Sample>[],
): string | null {
  const rows = pairs.flatMap(([over, under]) => {
    const [upper, lower] = [samples.get(over), samples.get(under)]
    if (!upper || !lower) return []
    const cells = measures.map(({ of }) => withRange(ratios(upper.map(of), lower.map(of)), 2))
    return [[`${over} / ${under}`, ...cells]]
  })
  return rows.length === 0 ? null : table(['ratio', ...measures.map(({ title }) => title)], rows)
}

function sorted(samples: readonly number[]): number[] {
  return [...samples].sort((a, b) => a - b)
}
