// Waiting for what happens in another process or at a timer.

/**
 * Polls until `check` returns something, for what happens in another process or at a timer.
 * @throws Error after `limitMs`.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false | null>,
  limitMs = 60_000,
): Promise<T> {
  const giveUpAt = Date.now() + limitMs
  for (;;) {
    const found = await check()
    if (found) return found
    if (Date.now() > giveUpAt) throw new Error(`it took more than ${limitMs} ms until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
