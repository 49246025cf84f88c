// What an agent logs and prints in its child process, passed on in one order.
import { loggable } from '../../lib/agent-limits.ts'
import type { Calls } from './calls.ts'

// More than the log of a job keeps, which is 10,000 lines of 4,000 characters with as many of
// fields; an agent that prints without end must not fill the memory of two processes.
const MAX_CHARS = 90_000_000
/** What a message costs besides its text. */
const MESSAGE_CHARS = 500

/** The output of a child process. */
export type Output = {
  log(text: string, stream?: string, fields?: string): void
  /** An attempt begins, whose output is counted anew. */
  reset(): void
}

/** Opens it, and passes on from now on what is written to standard output and standard error. */
export function openOutput(notify: Calls['notify']): Output {
  let chars = 0
  const pass = (name: 'log' | 'print', given: string, stream: string | undefined, fields?: string) => {
    const text = loggable(given)
    chars += text.length + (fields?.length ?? 0) + MESSAGE_CHARS
    if (chars <= MAX_CHARS) notify(name, text, stream, fields)
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      pass('print', typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(), stream)
      const done = rest.find((one) => typeof one === 'function')
      if (done !== undefined) process.nextTick(done)
      return true
    }
    process[stream].write = write as typeof process.stdout.write
  }
  return {
    log: (text, stream, fields) => pass('log', text, stream, fields),
    reset() {
      chars = 0
    },
  }
}
