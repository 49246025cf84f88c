// How the demo prints what happens.
const isTerminal = process.stdout.isTTY && !process.env.NO_COLOR
function paint(code: number, text: string): string {
  return isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text
}

/** A heading, a command, or a quotation. */
export function note(text: string): void {
  console.log(paint(text.startsWith('$') ? 36 : 1, text))
}

/** Something that happened. */
export function say(text: string): void {
  console.log(`   ${text}`)
}

/** A line that a process of the demo printed. */
export function quote(who: string, line: string): void {
  console.log(paint(2, `   ${who.padEnd(9)}│ ${line}`))
}

/** Reports that the demo failed. */
export function fail(error: unknown): void {
  console.error(paint(31, `\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`))
  process.exitCode = 1
}

/** Aborted when the demo ends: nothing more is started or waited for. */
export const over = new AbortController()

/** Polls until `look` returns something, for half a minute at most. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false | null>): Promise<T> {
  const giveUpAt = Date.now() + 30_000
  for (;;) {
    over.signal.throwIfAborted()
    const found = await look()
    if (found) return found
    if (Date.now() > giveUpAt) throw new Error(`it took more than half a minute until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
