// Any executable as an agent: the job on its standard input, its output as the job's log, outputs
// on file descriptor 3.
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { cut } from '../../lib/cut.ts'
import { AppError, GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { Agent, AgentContext, AgentResult } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { MAX_GRACE_MS } from '../group-leader.ts'
import type { Isolation, Surroundings } from '../isolation/isolation.ts'
import { isolationFor, ownSurroundings } from '../isolation/isolation.ts'
import { allLimits } from '../isolation/limits.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { isolationFields } from '../isolation/options.ts'
import { outputLimit } from '../isolation/output-limit.ts'
import { startProgram } from '../isolation/start-program.ts'
import { writeLines } from '../lines.ts'
import { locate, programProblem, REPOSITORY, searchPath } from './program.ts'

// EX_CONFIG of sysexits.h.
const GIVE_UP_EXIT_CODE = 78

const MAX_ANSWER_CHARS = 5_000_000
// Of the end of standard error, for the job's error.
const ERROR_LINES = 5
const MAX_ERROR_LINE_CHARS = 4000

/** A program to run for a job. */
export type CommandOptions = IsolationOptions & {
  /** The agent's name, which rules refer to. */
  name: string
  description?: string
  /**
   * The program and its arguments; no shell is involved. A program with a relative path
   * (`./run.sh`) is looked up beside `signalbox.config.ts`, whatever `cwd` is.
   */
  argv: readonly [string, ...string[]]
  /**
   * Names of Signalbox's environment variables to pass on, HOME included. Otherwise the program
   * sees only PATH, LANG, and HOME and TMPDIR of its own.
   */
  env?: readonly string[]
  /**
   * Where it runs: `repository` is a checkout of the event's commit, anything else a folder, beside
   * `signalbox.config.ts` if relative. Default: an empty folder made for this attempt, which is
   * also its HOME.
   */
  cwd?: string
  /** Between SIGTERM and SIGKILL when its time is up. At most 5,000, the default. */
  graceMs?: number
}

const commandOptions = z.strictObject({
  name: z.string().min(1),
  description: z.string().optional(),
  argv: z.array(z.string()).min(1, 'must name the program to run'),
  env: z.array(z.string()).optional(),
  cwd: z.string().optional(),
  graceMs: z.number().min(0).max(MAX_GRACE_MS).optional(),
  ...isolationFields,
})

/**
 * Runs the program with `{ job, event, payload, input }` as JSON on standard input. Exit code 0 is
 * success, 78 gives up, anything else is retried. JSON on file descriptor 3 (`{"outputs": […],
 * "result": …}`) becomes the job's outputs and result.
 * @throws AppError `config_invalid` naming the option at fault.
 */
export function command(options: CommandOptions): Agent {
  return commandIn(options, process.cwd())
}

function commandIn(given: CommandOptions, folder: string): Agent {
  const { error } = commandOptions.safeParse(given, PARSING)
  if (error) throw new AppError('config_invalid', describe(error, { intro: 'command():' }))
  const options = locate(given, folder)
  const agent = defineAgent({
    name: options.name,
    description: options.description ?? `Runs ${given.argv[0]}.`,
    input: z.unknown(),
    run: async (context) => runCommand(options, context, await isolate()),
  })
  let decided: Promise<Isolation> | undefined
  const isolate = (service?: Surroundings) => {
    decided ??= isolationFor(options, service ?? ownSurroundings())
    return decided
  }
  const inFolder = (other: string) => commandIn(given, other)
  const problem = () => programProblem(options)
  return { ...agent, problem, isolate, inFolder, runsIn: 'service', env: options.env ?? [], settings: given }
}

async function runCommand(
  options: CommandOptions,
  context: AgentContext<unknown>,
  isolation: Isolation,
): Promise<AgentResult> {
  const { signal } = context
  signal.throwIfAborted()
  const home = await context.workspace()
  const checkout = options.cwd === REPOSITORY ? await context.checkout() : null
  const env = { HOME: home, TMPDIR: home, ...passedOn(options.env ?? []), PATH: searchPath() }
  const output = outputLimit(signal, allLimits(options.limits).outputMb)
  const program = {
    ...options,
    env,
    cwd: checkout?.folder ?? options.cwd ?? home,
    read: [...(options.read ?? []), ...(checkout ? [checkout.objects] : [])],
    write: options.write ?? [],
    own: [home, ...(checkout ? [checkout.folder] : [])],
    folder: context.workspace,
    log: context.log,
    signal: output.signal,
  }
  const group = await startProgram(program, isolation).catch(cannotStart(options.argv[0]))
  // A program may end without having read its input.
  group.stdin.on('error', () => {})
  group.stdin.end(jobJson(context))
  const lastErrors: string[] = []
  const onError = (line: string) => {
    lastErrors.push(cut(line, MAX_ERROR_LINE_CHARS))
    if (lastErrors.length > ERROR_LINES) lastErrors.shift()
    context.log(line, 'stderr')
  }
  const [exit, , , answer] = await Promise.all([
    group.exit.catch(cannotStart(options.argv[0])),
    eachLine(output.counted(group.stdout), (line) => context.log(line, 'stdout')),
    eachLine(output.counted(group.stderr), onError),
    readAll(output.counted(group.third)),
  ])
  output.signal.throwIfAborted()
  if (exit.code === 0) return parseAnswer(answer)
  const how = exit.code === null ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`
  const message = [`${options.argv[0]} ${how}`, ...lastErrors].join('\n')
  if (exit.code === GIVE_UP_EXIT_CODE) throw new GiveUp(message)
  // What the program printed says where it failed; the stack of this function would not.
  throw Object.assign(new Error(message), { stack: message })
}

function cannotStart(file: string) {
  return (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EACCES')
      throw new GiveUp(`${file} cannot be started: ${error.message}`)
    throw error
  }
}

function passedOn(names: readonly string[]): Record<string, string> {
  const known = ['LANG', ...names].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries([['LANG', 'C.UTF-8'], ...known])
}

function jobJson({ job, event, payload, input }: AgentContext<unknown>): string {
  const shown = event && {
    id: event.id,
    type: event.type,
    source: event.source,
    subject: event.subject,
    actor: event.actor,
    facts: event.facts,
  }
  return JSON.stringify({ job, event: shown, payload: payload ?? null, input: input ?? null })
}

async function eachLine(stream: Readable, onLine: (line: string) => void): Promise<void> {
  const lines = writeLines(onLine)
  for await (const chunk of chunks(stream)) lines.write(chunk)
  lines.end()
}

async function* chunks(stream: Readable): AsyncGenerator<string> {
  try {
    yield* stream.setEncoding('utf8')
  } catch (error) {
    // A descendant outside the group kept the pipe open, so it was cut after the program had ended.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

async function readAll(stream: Readable): Promise<string> {
  let text = ''
  // Read to the end even when there is too much, or the program would block on a full pipe.
  for await (const chunk of chunks(stream)) {
    if (text.length <= MAX_ANSWER_CHARS) text += chunk
  }
  return text
}

/** `{"outputs": […], "result": …}`; the outputs are checked with those of all agents. */
const answerObject = z.strictObject({ outputs: z.array(z.unknown()).optional(), result: z.json().optional() })

function parseAnswer(text: string): AgentResult {
  if (text.trim() === '') return {}
  if (text.length > MAX_ANSWER_CHARS) throw new GiveUp('The answer on file descriptor 3 is larger than 5 MB.')
  const answer = parseJson(text)
  const parsed = answerObject.safeParse(Array.isArray(answer) ? { outputs: answer } : answer, PARSING)
  if (!parsed.success) {
    const intro = 'The answer on file descriptor 3 is not valid:'
    throw new GiveUp(describe(parsed.error, { root: 'the answer', intro }))
  }
  return parsed.data as AgentResult
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GiveUp('The answer on file descriptor 3 is not JSON.')
  }
}
