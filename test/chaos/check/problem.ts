// What can be wrong with a run.

/** Everything that the checker finds; a planted fault of each is found by its test. */
export const PROBLEMS = [
  'event lost',
  'event doubled',
  'event unknown',
  'event misnamed',
  'job lost',
  'job doubled',
  'job unknown',
  'job open',
  'job failed',
  'job cancelled',
  'job ended twice',
  'job ended silently',
  'job never run',
  'attempt miscounted',
  'attempt used up',
  'attempt unknown',
  'stale writer',
  'group overlap',
  'effect missing',
  'effect doubled',
  'effect unknown',
  'write unrecorded',
  'delivery lost',
  'delivery doubled',
  'delivery unknown',
  'delivery open',
  'delivery succeeded twice',
  'delivery not received',
  'delivery differs',
] as const

/** Something that must not be; `job` names the job whose history shows it. */
export type Problem = { kind: (typeof PROBLEMS)[number] | 'process'; what: string; job?: string }

/** How many there are of each. */
export function countBy<T>(items: Iterable<T>): Map<T, number> {
  const counts = new Map<T, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}
