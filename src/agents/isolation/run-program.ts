// Runs a program of an agent to its end: what it prints goes line by line to the job's log.
import type { Readable } from 'node:stream'
import { cut } from '../../lib/cut.ts'
import { GiveUp } from '../../lib/error.ts'
import type { Exit } from '../group-leader.ts'
import { writeLines } from '../lines.ts'
import type { Isolation } from './isolation.ts'
import { allLimits } from './limits.ts'
import { outputLimit, textOf } from './output-limit.ts'
import type { Program } from './start-program.ts'
import { startProgram } from './start-program.ts'

// Of the end of standard error, for an error.
const ERROR_LINES = 5
const MAX_ERROR_LINE_CHARS = 4000

/** A program, and what it reads on standard input. */
export type ProgramRun = Omit<Program, 'log' | 'signal'> & {
  input: string
  log(line: string, stream?: 'log' | 'stdout' | 'stderr'): void
  signal: AbortSignal
  /** What is kept of what it writes to file descriptor 3; more is read and dropped. */
  maxAnswerChars: number
}

/** How it ended, what it wrote to file descriptor 3, and its last lines of standard error. */
export type Ended = { exit: Exit; answer: string; lastErrors: string[] }

/**
 * Runs it.
 * @throws GiveUp when it cannot be started or prints too much; RetryAt when it was ended because
 * this process was frozen; the reason of `signal` when that aborts.
 */
export async function runProgram(run: ProgramRun, isolation: Isolation): Promise<Ended> {
  const { argv, input, log, maxAnswerChars } = run
  const output = outputLimit(run.signal, allLimits(run.limits).outputMb)
  const group = await startProgram({ ...run, signal: output.signal }, isolation).catch(cannotStart(argv[0]))
  // A program may end without having read its input.
  group.stdin.on('error', () => {})
  group.stdin.end(input)
  const lastErrors: string[] = []
  const onError = (line: string) => {
    lastErrors.push(cut(line, MAX_ERROR_LINE_CHARS))
    if (lastErrors.length > ERROR_LINES) lastErrors.shift()
    log(line, 'stderr')
  }
  const [exit, , , answer] = await Promise.all([
    group.exit.catch(cannotStart(argv[0])),
    eachLine(output.counted(group.stdout), (line) => log(line, 'stdout')),
    eachLine(output.counted(group.stderr), onError),
    readAll(output.counted(group.third), maxAnswerChars),
  ])
  output.signal.throwIfAborted()
  return { exit, answer, lastErrors }
}

/** How a program ended that did not succeed, after its name. */
export function exitText({ code, signal }: Exit): string {
  return code === null ? `was ended by ${signal}` : `ended with exit code ${code}`
}

/** Gives up on a program that is not there or may not be run; throws any other error as it is. */
export function cannotStart(file: string) {
  return (error: NodeJS.ErrnoException): never => {
    if (error.code === 'ENOENT' || error.code === 'EACCES')
      throw new GiveUp(`${file} cannot be started: ${error.message}`)
    throw error
  }
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = writeLines(onLine)
  for await (const chunk of textOf(stream)) lines.write(chunk)
  lines.end()
}

async function readAll(stream: Readable, maxChars: number): Promise<string> {
  let text = ''
  // Read to the end even when there is too much, or the program would block on a full pipe.
  for await (const chunk of textOf(stream)) {
    if (text.length <= maxChars) text += chunk
  }
  return text
}
