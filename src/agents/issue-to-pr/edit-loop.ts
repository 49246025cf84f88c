// A model works on a checkout with tools, turn by turn, until it is done or a limit is reached.
import { BudgetUsed } from '../../lib/error.ts'
import type { Changed } from '../../workspaces/working-copy.ts'
import type { EditContextOptions } from './edit-context.ts'
import { openEditContext } from './edit-context.ts'
import { messagesOf } from './history.ts'
import { changedSince, changingStep } from './restore.ts'
import { allowedCommands } from './tools/run.ts'
import type { EditContext, TestRun } from './tools/tool.ts'
import { MODEL_TOOLS, TOOLS } from './tools/tools.ts'
import type { Stopped, Tried, Turn, TurnWork } from './turn.ts'
import { keyOf, workOn } from './turn.ts'

/** What the model works on, and how far it may go. */
export type EditLoopOptions = EditContextOptions & {
  /** Words of the operator. */
  system?: string
  /** What is to be done; what others wrote in it is delimited by `prompt`. */
  task: string
  /** Its turns are the steps `NAME:1`, `NAME:2` and so on. Default `turn`. */
  name?: string
  limits?: EditContextOptions['limits'] & {
    /** Default 50. */
    maxTurns?: number
    /** Of all turns together, in whichever attempt. Less than the budget of the job. */
    minutes?: number
    /** Of all turns that the model is sent; older results are left out then. Default 200,000. */
    historyChars?: number
    /** The length of one answer. */
    answerTokens?: number
  }
}

/** What came of it. `summary` is the model's, and not to be trusted. */
export type EditResult = Changed & {
  outcome: 'done' | 'no_change' | 'stopped'
  summary: string
  stoppedBy?: Stopped
  transcript: Tried[]
  tests: TestRun[]
}

const MAX_TURNS = 50
const HISTORY_CHARS = 200_000
const MAX_REFUSED_TURNS = 3

/**
 * Lets the model work. Each turn is a step with its answer, its results and its files: a later
 * attempt restores the files, and asks the model only what it was not asked before.
 * @throws what a call of the model throws, but for `BudgetUsed`, which stops the loop.
 */
export async function editLoop(options: EditLoopOptions): Promise<EditResult> {
  const { ctx, name = 'turn' } = options
  const context = await openEditContext(options)
  const turns: Turn[] = []
  for (;;) {
    const stoppedBy = limitReached(turns, options)
    if (stoppedBy !== null) return resultOf(context, turns, { outcome: 'stopped', stoppedBy })
    const step = `${name}:${turns.length + 1}`
    const turn = await changingStep(ctx.step, context.copy, step, () => takeTurn(options, turns, context))
    turns.push(turn)
    const { ended, stopped } = turn
    if (ended !== undefined) return resultOf(context, turns, ended)
    if (stopped !== undefined) return resultOf(context, turns, { outcome: 'stopped', stoppedBy: stopped })
  }
}

async function takeTurn(options: EditLoopOptions, turns: readonly Turn[], context: EditContext): Promise<Turn> {
  const { ctx } = options
  const startedAt = ctx.now().getTime()
  const work = await ask(options, turns, context)
  for (const { tool, target, outcome } of work.tried) ctx.log(`turn ${turns.length + 1}: ${tool} ${target}: ${outcome}`)
  const before = turns.flatMap(({ changes }) => changes)
  const mayHaveChanged = work.tried.some(({ tool, outcome }) => outcome !== 'refused' && CHANGING.has(tool))
  const changes = mayHaveChanged ? await changedSince(context.copy, before) : []
  return { ...work, changes, tookMs: ctx.now().getTime() - startedAt }
}

const CHANGING = new Set(TOOLS.filter((tool) => tool.changes).map((tool) => tool.name))

async function ask(options: EditLoopOptions, turns: readonly Turn[], context: EditContext): Promise<TurnWork> {
  const { ctx, task, limits: { historyChars = HISTORY_CHARS, answerTokens } = {}, name = 'turn' } = options
  try {
    const answer = await ctx.model.answer({
      name: `${name}:${turns.length + 1}`,
      system: systemOf(options),
      messages: messagesOf(task, turns, historyChars),
      tools: MODEL_TOOLS,
      ...(answerTokens === undefined ? {} : { maxTokens: answerTokens }),
    })
    const sinceChange = turns.slice(turns.findLastIndex(({ changes }) => changes.length > 0) + 1)
    return await workOn(
      answer,
      sinceChange.flatMap(({ toolCalls }) => toolCalls.map(keyOf)),
      context,
    )
  } catch (error) {
    if (!(error instanceof BudgetUsed)) throw error
    const stopped = { limit: 'budget' as const, reason: error.message }
    return { text: '', toolCalls: [], results: [], tried: [], tests: [], stopped }
  }
}

function systemOf({ system, commands = {} }: EditLoopOptions): string {
  const parts = [
    system ?? '',
    'You work on the checkout of a repository, with tools only: nobody reads what you say beside them, or answers.',
    'Look before you change, change no more than the task needs, and run the tests that there are.',
    'A call that is refused says why: do not repeat it.',
    'When the task is done, or there is nothing to change, call finish.',
    allowedCommands(commands),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function limitReached(turns: readonly Turn[], { limits = {} }: EditLoopOptions): Stopped | null {
  const { maxTurns = MAX_TURNS, minutes = Number.POSITIVE_INFINITY } = limits
  if (turns.length >= maxTurns) return { limit: 'turns', reason: `The model has taken all ${maxTurns} turns.` }
  const tookMs = turns.reduce((sum, turn) => sum + turn.tookMs, 0)
  if (tookMs >= minutes * 60_000) return { limit: 'minutes', reason: `The ${minutes} minutes of the work are over.` }
  const last = turns.slice(-MAX_REFUSED_TURNS)
  const isRefused = last.length === MAX_REFUSED_TURNS && last.every(didNothing)
  const reason = `All calls of the last ${MAX_REFUSED_TURNS} turns were refused.`
  return isRefused ? { limit: 'refusals', reason } : null
}

function didNothing({ tried }: Turn): boolean {
  return tried.every(({ outcome }) => outcome === 'refused')
}

async function resultOf(
  { copy }: EditContext,
  turns: readonly Turn[],
  end: { outcome: EditResult['outcome']; summary?: string; stoppedBy?: Stopped },
): Promise<EditResult> {
  return {
    summary: turns.findLast(({ text }) => text.trim() !== '')?.text ?? '',
    ...end,
    transcript: turns.flatMap(({ tried }) => tried),
    tests: turns.flatMap(({ tests }) => tests),
    ...(await copy.changed()),
  }
}
