// The command line in the test's own process: what it prints is kept, and it sees no setting of the
// tester's.
import { tmpdir } from 'node:os'
import { run } from '../src/cli/program.ts'
import type { Terminal } from '../src/cli/terminal.ts'
import type { TestSignalbox } from './signalbox.ts'
import { TOKEN } from './signalbox.ts'

/** How a run ended, and what it printed. */
export type Run = { code: number; out: string; err: string }

/** A terminal, and what was printed on it. */
export function testTerminal(options: Partial<Terminal> = {}): { terminal: Terminal; printed: Omit<Run, 'code'> } {
  const printed = { out: '', err: '' }
  const terminal: Terminal = {
    env: {},
    fromEnvFile: new Set(),
    folder: tmpdir(),
    columns: undefined,
    out: (text) => {
      printed.out += text
    },
    err: (text) => {
      printed.err += text
    },
    readInput: async () => '',
    paint: (_style, text) => text,
    ...options,
  }
  return { terminal, printed }
}

/** Runs one command. */
export async function call(args: readonly string[], options: Partial<Terminal> = {}): Promise<Run> {
  const { terminal, printed } = testTerminal(options)
  return { code: await run(args, terminal), ...printed }
}

/** Runs commands against a server, with its token. */
export function cliOf(signalbox: Pick<TestSignalbox, 'url'>) {
  const env = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }
  const ask = (args: readonly string[], options: Partial<Terminal> = {}) => call(args, { env, ...options })
  return {
    ask,
    /** What the command prints with `--json`. */
    async json<Answer = Record<string, unknown>>(args: readonly string[], options: Partial<Terminal> = {}) {
      const { code, out, err } = await ask([...args, '--json'], options)
      if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`)
      return JSON.parse(out) as Answer
    },
  }
}
