// Rounds: every contestant once in each, so that a slow minute of the machine affects all of them.
import type { Patience } from './patience.ts'

/** Measures every contestant once a round, each round beginning with another one. */
export async function runRounds<Contestant extends { name: string }, Sample>(options: {
  contestants: readonly Contestant[]
  rounds: number
  patient: Patience
  measure(contestant: Contestant): Promise<Sample>
  /** A few words about a sample, for whoever watches. */
  describe(sample: Sample): string
}): Promise<Map<string, Sample[]>> {
  const { contestants, rounds, patient, measure, describe } = options
  const samples = new Map(contestants.map(({ name }): [string, Sample[]] => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [i] of contestants.entries()) {
      const contestant = contestants[(i + round) % contestants.length]
      if (!contestant) continue
      const sample = await patient.measure(() => measure(contestant))
      samples.get(contestant.name)?.push(sample)
      console.error(`round ${round + 1}/${rounds}  ${contestant.name.padEnd(44)} ${describe(sample)}`)
    }
    console.error(patient.describe())
  }
  return samples
}
