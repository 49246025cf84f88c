// A coding agent with a command line works on a checkout in the place of a model with tools.
import { join } from 'node:path'
import { writeInside } from '../../workspaces/inside.ts'
import type { Changed } from '../../workspaces/working-copy.ts'
import type { EditContextOptions } from './edit-context.ts'
import { openEditContext } from './edit-context.ts'
import { changedSince, changingStep } from './restore.ts'
import type { ProgramCall } from './run-in-checkout.ts'
import { runInCheckout } from './run-in-checkout.ts'

/** The program, and what it works on. */
export type EngineLoopOptions = Omit<EditContextOptions, 'commands'> &
  Pick<ProgramCall, 'argv' | 'env'> & {
    /** What is to be done: on its standard input, and in the file that SIGNALBOX_TASK names. */
    task: string
    /** The step. Default `engine`. */
    name?: string
    /** Default 30 minutes. */
    timeoutMs?: number
  }

/** What came of it; `summary` is the end of what it printed, and not to be trusted. */
export type EngineResult = Changed & {
  outcome: 'done' | 'no_change' | 'stopped'
  summary: string
  /** Why it did not end well, as a sentence. */
  reason?: string
}

const TIMEOUT_MS = 30 * 60_000
const TASK_FILE = 'task.md'

/**
 * Runs the program to its end, once: a later attempt has its files without it. What it has changed
 * is there also when it failed.
 */
export async function engineLoop(options: EngineLoopOptions): Promise<EngineResult> {
  const { ctx, argv, env, task, name = 'engine', timeoutMs = TIMEOUT_MS } = options
  const { checkout, copy } = await openEditContext(options)
  const { end } = await changingStep(ctx.step, copy, name, async () => {
    await writeInside(checkout.home, TASK_FILE, { bytes: Buffer.from(task) })
    const variables = { SIGNALBOX_TASK: join(checkout.home, TASK_FILE) }
    const ended = await runInCheckout(checkout, { argv, env, timeoutMs, input: task, variables })
    return { end: ended, changes: await changedSince(copy, []) }
  })
  const { exitCode, ended, tail: summary } = end
  const changed = await copy.changed()
  if (exitCode === 0) return { ...changed, summary, outcome: changed.changes.length === 0 ? 'no_change' : 'done' }
  const reason = `${argv[0]} ${ended ?? `ended with exit code ${exitCode}`}.`
  return { ...changed, summary, outcome: 'stopped', reason }
}
