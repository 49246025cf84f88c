// Asks a program whether a configuration is valid: it reads it as JSON on standard input, and says
// by its exit code, and what it prints, what is wrong.
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { z } from 'zod'
import type { AgentContext } from '../agent.ts'
import { environmentOf } from '../command/program.ts'
import type { Isolation } from '../isolation/isolation.ts'
import { allLimits } from '../isolation/limits.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { isolationFields } from '../isolation/options.ts'
import { outputLimit } from '../isolation/output-limit.ts'
import { cannotStart } from '../isolation/run-program.ts'
import { startProgram } from '../isolation/start-program.ts'
import { writeLines } from '../lines.ts'
import type { ConfigProblem } from './schema.ts'

const MAX_LINES = 50
const MAX_LINE_CHARS = 500

/** The program, found like that of `command()`, and what it may do. */
export type CommandValidation = IsolationOptions & { command: readonly [string, ...string[]] }

/** Its schema. Rules have none of it: a job's input may come from outside. */
export const commandValidation = z.strictObject({
  command: z.tuple([z.string()], z.string()).readonly(),
  ...isolationFields,
})

/**
 * What the program says of a configuration: nothing is wrong where its exit code is 0; otherwise
 * each line that it prints is a problem.
 * @throws GiveUp when it cannot be started, RetryAt when this process was frozen, and Error when it
 * was ended from outside.
 */
export async function problemsByCommand(
  { command, read = [], write = [], limits }: CommandValidation,
  config: unknown,
  {
    workspace,
    log,
    signal,
    isolation,
  }: Pick<AgentContext<unknown>, 'workspace' | 'log' | 'signal'> & { isolation: Isolation },
): Promise<ConfigProblem[]> {
  const home = await workspace()
  const output = outputLimit(signal, allLimits(limits).outputMb)
  const program = {
    argv: command,
    env: environmentOf(home),
    cwd: home,
    read,
    write,
    own: [home],
    limits,
    folder: workspace,
    log,
    signal: output.signal,
  }
  const group = await startProgram(program, isolation).catch(cannotStart(command[0]))
  // A program may end without having read its input.
  group.stdin.on('error', () => {})
  group.stdin.end(JSON.stringify(config))
  const lines: string[] = []
  const [exit] = await Promise.all([
    group.exit.catch(cannotStart(command[0])),
    ...[group.stdout, group.stderr, group.third].map((stream) => readLines(output.counted(stream), lines)),
  ])
  output.signal.throwIfAborted()
  if (exit.code === 0) return []
  if (exit.code === null) throw new Error(`${command[0]} was ended by ${exit.signal}`)
  return (lines.length > 0 ? lines : [`${command[0]} ended with exit code ${exit.code}`]).map((text) => ({
    at: '$',
    text,
  }))
}

async function readLines(stream: Readable, lines: string[]): Promise<void> {
  const writer = writeLines((line) => {
    if (lines.length < MAX_LINES && line.trim() !== '') lines.push(line.slice(0, MAX_LINE_CHARS).toWellFormed())
  })
  stream.setEncoding('utf8').on('data', (text: string) => writer.write(text))
  // One that a descendant kept open is cut after the program has ended.
  await finished(stream).catch(() => {})
  writer.end()
}
