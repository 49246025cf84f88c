// One turn of the edit loop: what the model answered, and what its calls came to.
import { errorText } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { ModelAnswer, ToolCall } from '../../models/request.ts'
import type { FileChange } from '../../publisher/output-fields.ts'
import { prompt } from '../../untrusted/prompt.ts'
import { NotInside, PathProblem } from '../../workspaces/inside.ts'
import type { EditContext, TestRun, ToolResult } from './tools/tool.ts'
import { Refused } from './tools/tool.ts'
import { FINISH, TOOLS } from './tools/tools.ts'

/** One call in short. */
export type Tried = { tool: string; target: string; outcome: ToolResult['outcome'] }

/** Why a loop ended before the model said so. */
export type Stopped = {
  limit: 'turns' | 'minutes' | 'budget' | 'repetition' | 'refusals' | 'filter'
  /** A sentence. */
  reason: string
}

/** A turn as it is remembered: a later attempt goes on after it without the model. */
export type Turn = {
  text: string
  toolCalls: ToolCall[]
  /** The result of each call, as the model gets it. */
  results: { id: string; name: string; content: string }[]
  /** What the model is answered in place of results. */
  notice?: string
  tried: Tried[]
  tests: TestRun[]
  /** The files that are not as they were before it. */
  changes: FileChange[]
  ended?: { outcome: 'done' | 'no_change'; summary: string }
  stopped?: Stopped
  tookMs: number
}

/** What a turn comes to, but for its files and its time. */
export type TurnWork = Omit<Turn, 'changes' | 'tookMs'>

const MAX_CALLS = 20
const MAX_RESULT_CHARS = 100_000
const MAX_TARGET_CHARS = 200
const SAME_CALLS = 3

const NO_CALL =
  'You called no tool. Go on with a tool; when the task is done, or there is nothing to change, call finish.'
const CUT_OFF =
  'Your answer was cut off at its length, and nothing of it was done. Do less at once: patch, or write smaller files.'

/** Does what an answer calls for. `before` are the calls that were made since files changed. */
export async function workOn(answer: ModelAnswer, before: readonly string[], context: EditContext): Promise<TurnWork> {
  const { text, toolCalls = [], finish } = answer
  const work: TurnWork = { text, toolCalls, results: [], tried: [], tests: [] }
  if (finish === 'content-filter') {
    return {
      ...work,
      toolCalls: [],
      stopped: { limit: 'filter', reason: 'A content filter of the model ended its answer.' },
    }
  }
  if (toolCalls.length === 0) return { ...work, notice: finish === 'length' ? CUT_OFF : NO_CALL }
  const made = [...before]
  let chars = 0
  for (const [at, call] of toolCalls.entries()) {
    const key = keyOf(call)
    made.push(key)
    if (made.filter((one) => one === key).length >= SAME_CALLS) {
      const reason = `The model made the same call of ${call.name} ${SAME_CALLS} times without changing anything.`
      return { ...work, stopped: { limit: 'repetition', reason } }
    }
    const result = await resultOf(call, { at, isCut: finish === 'length', hasEnded: work.ended !== undefined }, context)
    if (result.ended !== undefined) work.ended = result.ended
    if (result.test !== undefined) work.tests.push(result.test)
    work.tried.push({ tool: call.name, target: result.target.slice(0, MAX_TARGET_CHARS), outcome: result.outcome })
    const content = contentOf(result)
    chars += content.length
    const tooMuch = 'The results of these calls are too much at once: call this one again.'
    work.results.push({ id: call.id, name: call.name, content: chars > MAX_RESULT_CHARS ? tooMuch : content })
  }
  return work
}

/** What tells two calls apart. */
export function keyOf({ name, arguments: given }: ToolCall): string {
  return `${name} ${JSON.stringify(given)}`
}

type Result = ToolResult & Pick<Turn, 'ended'>

async function resultOf(
  call: ToolCall,
  { at, isCut, hasEnded }: { at: number; isCut: boolean; hasEnded: boolean },
  context: EditContext,
): Promise<Result> {
  const refused = (said: string): Result => ({ target: '', outcome: 'refused', said })
  if (isCut) return refused(CUT_OFF)
  if (hasEnded) return refused('This was not done, because finish came before it.')
  if (at >= MAX_CALLS) return refused(`At most ${MAX_CALLS} calls are made at once: call this one again.`)
  const tool = TOOLS.find(({ name }) => name === call.name)
  if (tool === undefined) {
    return refused(`There is no tool of this name: there are ${TOOLS.map(({ name }) => name).join(', ')}.`)
  }
  const { data, error } = tool.arguments.safeParse(call.arguments, PARSING)
  if (error) return refused(describe(error, { root: 'the arguments', intro: 'The arguments are not valid:' }))
  const result = await tool.run(data as never, context).catch((failure: unknown) => failedCall(call, failure))
  const isEnd = tool.name === FINISH && result.outcome === 'ok'
  return isEnd ? { ...result, ended: data as unknown as NonNullable<Turn['ended']> } : result
}

/** What the model gets of an error that it can do something about; others are thrown. */
function failedCall(call: ToolCall, error: unknown): ToolResult {
  const said = errorText(error)
  const target = targetOf(call)
  if (error instanceof Refused) return { target, outcome: 'refused', said }
  if (error instanceof NotInside) return { target, outcome: 'refused', said: `${said}.` }
  if (error instanceof PathProblem || isOfFiles(error)) return { target, outcome: 'failed', said: `${said}.` }
  throw error
}

/** The path or the command of a call that was not made. */
function targetOf({ arguments: given }: ToolCall): string {
  const { path, command } = Object(given)
  return String(path ?? command ?? '')
}

// What a program has left: a file that may not be read, say.
const OF_FILES: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM', 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO'])

function isOfFiles(error: unknown): boolean {
  return OF_FILES.has((error as NodeJS.ErrnoException).code)
}

/** Our sentence, and the words of others delimited. */
function contentOf({ said, found }: ToolResult): string {
  return found === undefined ? said : prompt('{{said}}{{found}}', { trusted: { said }, untrusted: { found } })
}
