// How long to wait before another try.

/**
 * Milliseconds before try `attempt + 1`: doubling from `baseMs`, never above `maxMs`, then up to a
 * fifth more so that failures of one moment do not return together. `random` is in [0, 1).
 */
export function backoffMs(attempt: number, options: { baseMs: number; maxMs: number; random?: () => number }): number {
  const random = options.random ?? Math.random
  const plain = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt - 1, 40))
  return Math.round(plain * (1 + random() * 0.2))
}
