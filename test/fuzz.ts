// How many cases a property is tried with: some in the suite, always the same, and many by
// `script/fuzz`, each time others. Runs before each test file.
import fc from 'fast-check'

const { FUZZ_RUNS, FUZZ_SEED } = process.env
const SUITE_RUNS = 300
const SUITE_SEED = 20_261_121

fc.configureGlobal({
  numRuns: cases(SUITE_RUNS),
  ...(FUZZ_RUNS === undefined && { seed: SUITE_SEED }),
  ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }),
})

/** For a property whose cases take long: so many in the suite. */
export function cases(inSuite: number): number {
  return FUZZ_RUNS === undefined ? inSuite : Number(FUZZ_RUNS)
}
