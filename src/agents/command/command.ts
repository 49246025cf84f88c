// Any executable as an agent: the job on its standard input, its output as the job's log, outputs
// on file descriptor 3.
import { z } from 'zod'
import { AppError, GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { Agent, AgentContext, AgentResult } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { MAX_GRACE_MS } from '../group-leader.ts'
import type { Isolation } from '../isolation/isolation.ts'
import { isolationOnce } from '../isolation/isolation-once.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { isolationFields } from '../isolation/options.ts'
import { exitText, runProgram } from '../isolation/run-program.ts'
import { environmentOf, locate, programProblem, REPOSITORY } from './program.ts'

// EX_CONFIG of sysexits.h.
const GIVE_UP_EXIT_CODE = 78

const MAX_ANSWER_CHARS = 5_000_000

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
  const isolate = isolationOnce(options)
  const agent = defineAgent({
    name: options.name,
    description: options.description ?? `Runs ${given.argv[0]}.`,
    input: z.unknown(),
    run: async (context) => runCommand(options, context, await isolate()),
  })
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
  const { traceparent } = context.job
  const env = { ...environmentOf(home, options.env), ...(traceparent !== undefined && { TRACEPARENT: traceparent }) }
  const program = {
    ...options,
    env,
    cwd: checkout?.folder ?? options.cwd ?? home,
    read: [...(options.read ?? []), ...(checkout ? [checkout.objects] : [])],
    write: options.write ?? [],
    own: [home, ...(checkout ? [checkout.folder] : [])],
    folder: context.workspace,
    log: context.log,
    signal,
    input: jobJson(context),
    maxAnswerChars: MAX_ANSWER_CHARS,
  }
  const { exit, answer, lastErrors } = await runProgram(program, isolation)
  if (exit.code === 0) return parseAnswer(answer)
  const message = [`${options.argv[0]} ${exitText(exit)}`, ...lastErrors].join('\n')
  if (exit.code === GIVE_UP_EXIT_CODE) throw new GiveUp(message)
  // What the program printed says where it failed; the stack of this function would not.
  throw Object.assign(new Error(message), { stack: message })
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
