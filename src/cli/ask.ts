// Questions to a person at a terminal.
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { CliError } from './failure.ts'

/** Asks one question, and returns the line that answers it; `hidden` shows nothing of that. */
export type Ask = (question: string, options?: { hidden?: boolean }) => Promise<string>

/**
 * Asks on these streams.
 * @throws CliError `interrupted` when there is no answer: Ctrl-C, Ctrl-D, or the input ends.
 */
export function askOn(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Ask {
  return async (question, { hidden = false } = {}) => {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const lines = createInterface({ input, output: hidden ? nowhere : output, terminal: true, historySize: 0 })
    const ended = Promise.withResolvers<never>()
    lines.once('SIGINT', () => lines.close())
    lines.once('close', () =>
      ended.reject(new CliError('interrupted', 'There is no answer.', 'Nothing was changed; run it again.')),
    )
    // It is closed after every answer, too.
    ended.promise.catch(() => {})
    try {
      if (hidden) output.write(question)
      return (await Promise.race([lines.question(hidden ? '' : question), ended.promise])).trim()
    } finally {
      lines.close()
      if (hidden) output.write('\n')
    }
  }
}
