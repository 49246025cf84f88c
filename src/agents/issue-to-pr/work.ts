// The work itself: a model or a program changes files, the tests run, and what fails goes back.
import { BudgetUsed } from '../../lib/error.ts'
import type { Budget } from '../../models/budget.ts'
import type { Changed } from '../../workspaces/working-copy.ts'
import type { AgentContext } from '../agent.ts'
import type { Isolation } from '../isolation/isolation.ts'
import type { Assignment } from './assignment.ts'
import type { EditContextOptions } from './edit-context.ts'
import { openEditContext } from './edit-context.ts'
import { editLoop } from './edit-loop.ts'
import { engineLoop } from './engine-loop.ts'
import type { IssueToPrOptions, TaskInput } from './options.ts'
import type { Said } from './people.ts'
import { runInCheckout } from './run-in-checkout.ts'
import type { AllowedCommand, TestRun } from './tools/tool.ts'
import type { Tried } from './turn.ts'
import { taskWords } from './words.ts'

/** What came of it. */
export type Work = Changed & {
  outcome: 'done' | 'no_change' | 'stopped'
  /** Of the model or the program: not to be trusted. */
  summary: string
  /** Why it was stopped, as a sentence. */
  reason?: string
  tried: Tried[]
  /** The tests of the files as they are; null where there are none, or nothing was changed. */
  test: TestRun | null
}

/** What the work is done with. */
export type WorkParts = {
  ctx: AgentContext<TaskInput>
  options: IssueToPrOptions
  isolation: Isolation
  assignment: Assignment
  guides: readonly Said[]
  steps: readonly string[]
}

const FIXES = 2
const TURNS = 50
const MINUTES = 25
// What a failing test takes to mend is less than the whole.
const FIX_SHARE = 0.25
const ENGINE_MINUTES = 30
const TEST_MINUTES = 10

/** Does the work; each turn, each run of the program and each test is a step. */
export async function work(parts: WorkParts): Promise<Work> {
  const { ctx, options, assignment } = parts
  const { repository, sha: ref } = assignment
  const context = editContextOf(parts, await ctx.checkout({ repository, ref }))
  const { test, fixes = FIXES } = options
  let done = await change(parts, context, { round: 1 })
  for (let round = 1; ; round += 1) {
    if (test === undefined || done.changes.length === 0) return { ...done, test: null }
    const tested = await ctx.step(`test:${round}`, () => runTest(context, test, options))
    ctx.log(`${test.join(' ')}: ${tested.exitCode === null ? 'was ended' : `exit code ${tested.exitCode}`}`)
    if (tested.exitCode === 0 || done.outcome === 'stopped' || round > fixes) return { ...done, test: tested }
    const fixed = await change(parts, context, { round: round + 1, failed: tested })
    done = { ...fixed, tried: [...done.tried, ...fixed.tried] }
  }
}

function editContextOf(
  { ctx, options, isolation }: WorkParts,
  checkout: EditContextOptions['checkout'],
): EditContextOptions {
  const { read, protectedPaths, protectLockFiles, limits } = options
  return {
    ctx: { ...ctx, model: limitedModel(ctx) },
    checkout,
    isolation,
    ...(read && { read }),
    ...(protectedPaths && { protectedPaths }),
    ...(protectLockFiles && { protectLockFiles }),
    ...(limits && { limits: { programs: limits } }),
  }
}

/** The model within the dollars that the task may cost. */
function limitedModel({
  model,
  input,
}: Pick<AgentContext<TaskInput>, 'model' | 'input'>): AgentContext<unknown>['model'] {
  const budget = budgetOf(input)
  if (budget === undefined) return model
  return { ...model, answer: (request) => model.answer({ ...request, budget }) }
}

/** What a task may cost by what was written with it. */
export function budgetOf({ max }: TaskInput): Budget | undefined {
  return max === undefined ? undefined : { usd: max }
}

type Done = Omit<Work, 'test'>

async function change(
  { options, assignment, guides, steps }: WorkParts,
  context: EditContextOptions,
  { round, failed }: { round: number; failed?: TestRun },
): Promise<Done> {
  const task = taskWords(assignment, { guides, steps, failed })
  const { engine, instructions, turns = TURNS, minutes = MINUTES } = options
  if (engine !== undefined) {
    const { argv, env, minutes: most = ENGINE_MINUTES } = engine
    const name = `engine:${round}`
    const result = await engineLoop({ ...context, argv, ...(env && { env }), task, name, timeoutMs: most * 60_000 })
    return { ...result, tried: [] }
  }
  const {
    transcript,
    stoppedBy,
    tests: _,
    ...result
  } = await editLoop({
    ...context,
    ...(instructions && { system: instructions }),
    task,
    name: round === 1 ? 'turn' : `fix-${round - 1}`,
    commands: commandsOf(options),
    limits: { ...context.limits, maxTurns: turns, minutes: round === 1 ? minutes : minutes * FIX_SHARE },
  })
  return { ...result, tried: transcript, ...(stoppedBy && { reason: stoppedBy.reason }) }
}

/** What the model may run; the tests by the name `test`. */
function commandsOf({ commands, test, env }: IssueToPrOptions): Record<string, AllowedCommand> {
  if (test === undefined) return { ...commands }
  return { test: { argv: test, description: 'Runs the tests.', ...(env && { env }) }, ...commands }
}

async function runTest(
  context: EditContextOptions,
  argv: readonly [string, ...string[]],
  { env }: IssueToPrOptions,
): Promise<TestRun> {
  const { checkout } = await openEditContext(context)
  const { exitCode, ended, tail } = await runInCheckout(checkout, { argv, env, timeoutMs: TEST_MINUTES * 60_000 })
  return { command: argv.join(' '), exitCode, tail: ended === null ? tail : `${tail}\nIt ${ended}.` }
}

/** Runs `ask` unless the budget is used; then what follows says so. */
export async function unlessUsed<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof BudgetUsed) return otherwise
    throw error
  }
}
