// Running a program and looking whether what it did works; what came of each is remembered.
import { GiveUp } from '../../lib/error.ts'
import { healthProblem } from './health.ts'
import type { Past } from './history.ts'
import type { Argv } from './options.ts'
import type { Version } from './ref.ts'
import type { Deploying } from './run.ts'
import type { ScriptEnd, ScriptInput } from './script.ts'
import { runScript } from './script.ts'
import type { About } from './text.ts'

/** What a program is run for. */
export type TrialOf = { about: About; previous: Past | null; failed?: Version }

/** Said of a program that ended with its worker: what it has done is not known. */
const INTERRUPTED = 'it was interrupted half-way'

/**
 * Runs a program, and the health check after it. One that was begun by an earlier attempt and whose
 * end is not known is not run again, unless the environment says that it is repeatable.
 */
export async function tryProgram(
  { context, environment, options, isolation, actor }: Deploying,
  name: 'deploy' | 'rollback',
  argv: Argv,
  { about, previous, failed }: TrialOf,
): Promise<ScriptEnd> {
  const { step, job, log, signal } = context
  const { kind, repository, environment: where, sha, version } = about
  const input: ScriptInput = {
    kind,
    environment: where,
    repository,
    sha,
    version,
    previous: previous && { sha: previous.sha, version: previous.version },
    ...(failed && { failed: { sha: failed.sha, version: failed.version } }),
    actor,
    job: { id: job.id, rule: job.rule },
  }
  const run = async (program: Argv, mayBegin: () => Promise<boolean>): Promise<ScriptEnd> => {
    const parts = { argv: program, input, options: environment, shared: options, isolation, mayBegin }
    try {
      return (await runScript(context, parts)) ?? { problem: INTERRUPTED }
    } catch (error) {
      if (error instanceof GiveUp && !signal.aborted) return { problem: error.message }
      throw error
    }
  }
  // Remembered last before it is run: what failed until then may be tried again.
  const mayBegin = async () => {
    const begunBy = await step(`${name} begun`, () => job.attempt)
    return begunBy === job.attempt || environment.repeatable === true
  }
  const ended = await step(`${name} program`, () => run(argv, mayBegin))
  const { healthCheck } = environment
  if (ended.problem !== null || healthCheck === undefined) return ended
  const problem = await step(`${name} health`, () =>
    healthProblem(healthCheck, { run: (program) => run(program, async () => true), log, signal }),
  )
  return problem === null ? ended : { problem: `the health check failed: ${problem}` }
}
