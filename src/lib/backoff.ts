// How long to wait before the next attempt.

/**
 * Milliseconds between attempt `attempt` and the next one: `baseMs`, doubled for every further
 * attempt, at most `maxMs`; then up to a fifth more, so that attempts that failed at the same
 * moment do not return together. `random` returns a number in [0, 1).
 */
export function backoffMs(attempt: number, options: { baseMs: number; maxMs: number; random?: () => number }): number {
  const random = options.random ?? Math.random
  const withoutJitter = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt - 1, 40))
  return Math.round(withoutJitter * (1 + random() * 0.2))
}
