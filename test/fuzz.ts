// How many cases a property is tried with: some in the suite, always the same, and many by
// `script/fuzz`, each time others.

const { FUZZ_RUNS, FUZZ_SEED } = process.env

/** Parameters for `fc.assert`: `runs` cases in the suite. */
export function cases(runs = 300): { numRuns: number; seed?: number } {
  const numRuns = FUZZ_RUNS === undefined ? runs : Number(FUZZ_RUNS)
  if (FUZZ_SEED !== undefined) return { numRuns, seed: Number(FUZZ_SEED) }
  return FUZZ_RUNS === undefined ? { numRuns, seed: 20_261_121 } : { numRuns }
}
