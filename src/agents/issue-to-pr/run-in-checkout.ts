// Runs a program in a checkout, isolated: its exit code, and the end of what it printed.
import { stripVTControlCharacters } from 'node:util'
import { GiveUp } from '../../lib/error.ts'
import { redactor } from '../../untrusted/redact.ts'
import { environmentOf } from '../command/program.ts'
import type { Isolation } from '../isolation/isolation.ts'
import type { Limits } from '../isolation/limits.ts'
import { allLimits } from '../isolation/limits.ts'
import { outputLimit, textOf } from '../isolation/output-limit.ts'
import { startProgram } from '../isolation/start-program.ts'

/** The checkout that programs run in, and what they see beside it. */
export type ProgramCheckout = {
  folder: string
  /** What Git reads besides. */
  objects: string
  /** Their HOME, one for the whole attempt. */
  home: string
  isolation: Isolation
  limits?: Limits | undefined
  /** Files and folders that they may read besides. */
  read?: readonly string[] | undefined
  /** Makes a folder of the attempt. */
  workspace(): Promise<string>
  log(line: string, stream?: 'stdout' | 'stderr'): void
  signal: AbortSignal
}

/** A program to run. */
export type ProgramCall = {
  argv: readonly [string, ...string[]]
  /** Variables of the service that it sees. */
  env?: readonly string[] | undefined
  timeoutMs: number
  /** What it reads on standard input, and variables of its own. */
  input?: string
  variables?: Readonly<Record<string, string>>
}

/**
 * How it ended: its exit code, or null with the reason (`was ended by SIGKILL`); and the last of
 * what it printed, both streams in the order in which it came.
 */
export type ProgramEnd = { exitCode: number | null; ended: string | null; tail: string }

const MAX_TAIL_CHARS = 20_000
// Programs that ask nobody, and write no colours.
const PLAIN = { CI: 'true', NO_COLOR: '1', TERM: 'dumb' }

/**
 * Runs it to its end, which is also when its time is up or it has printed too much.
 * @throws the signal's reason when the attempt is over.
 */
export async function runInCheckout(checkout: ProgramCheckout, call: ProgramCall): Promise<ProgramEnd> {
  const { folder, objects, home, isolation, read = [], limits, signal, log } = checkout
  const { argv, env, timeoutMs, input = '', variables } = call
  const { outputMb } = allLimits(limits)
  const output = outputLimit(AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), outputMb)
  const program = {
    argv,
    env: { ...PLAIN, ...environmentOf(home, env), ...variables },
    cwd: folder,
    read: [...read, objects],
    write: [],
    own: [home, folder],
    limits,
    folder: checkout.workspace,
    log,
    signal: output.signal,
  }
  const group = await startProgram(program, isolation).catch(notStarted)
  if (group instanceof Error) return { exitCode: null, ended: `could not be started: ${group.message}`, tail: '' }
  // A program may end without having read its input.
  group.stdin.on('error', () => {})
  group.stdin.end(input)
  group.third.resume()
  let tail = ''
  const keep = async (stream: AsyncGenerator<string>) => {
    for await (const chunk of stream) {
      tail += chunk
      // Not at every chunk, because each cut copies it.
      if (tail.length > 4 * MAX_TAIL_CHARS) tail = tail.slice(-2 * MAX_TAIL_CHARS)
    }
  }
  const streams = [group.stdout, group.stderr].map((stream) => keep(textOf(output.counted(stream))))
  const [exit] = await Promise.all([group.exit, ...streams])
  signal.throwIfAborted()
  // It is sent to a model, and shown to whoever reviews.
  const secrets = redactor(
    [],
    (env ?? []).flatMap((name) => process.env[name] ?? []),
  )
  const text = lastOf(secrets.text(stripVTControlCharacters(tail)))
  if (!output.signal.aborted && exit.code !== null) return { exitCode: exit.code, ended: null, tail: text }
  return {
    exitCode: null,
    ended: reasonOf(output.signal, { timeoutMs, exitSignal: exit.signal, outputMb }),
    tail: text,
  }
}

function notStarted(error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT' || error.code === 'EACCES') return error
  throw error
}

function lastOf(text: string): string {
  if (text.length <= MAX_TAIL_CHARS) return text
  return `(${text.length - MAX_TAIL_CHARS} characters or more before this were left out)\n${text.slice(-MAX_TAIL_CHARS)}`
}

function reasonOf(
  { aborted, reason }: AbortSignal,
  { timeoutMs, exitSignal, outputMb }: { timeoutMs: number; exitSignal: string | null; outputMb: number },
): string {
  if (!aborted) return `was ended by ${exitSignal}`
  if (reason instanceof GiveUp) return `was ended, because it printed more than ${outputMb} MB`
  return `was ended after ${timeoutMs / 1000} s, the time it may take`
}
