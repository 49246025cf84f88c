// Has the model read what it has not read before, and says what is left.
import type { Diff } from '../../diffs/diff.ts'
import type { Found } from '../../findings/finding.ts'
import { fingerprinted } from '../../findings/fingerprint.ts'
import { errorText, GiveUp } from '../../lib/error.ts'
import type { AgentContext } from '../agent.ts'
import { answerSchema, findingsIn } from './answer.ts'
import type { Settings } from './options.ts'
import { questionOf, readerHash, SYSTEM } from './question.ts'
import type { Chunk, ReadFile, Unread } from './reading.ts'
import { chunksOf, readableFiles } from './reading.ts'

/** What reading has come to. */
export type Reading = {
  found: Found[]
  /** By the key of each file that is read, now or before. */
  reviewed: Record<string, Found[]>
  /** How many files were read now, and how many before. */
  read: number
  carried: number
  unread: Unread[]
  usage: Usage
}

/** What the model took for it. */
export type Usage = { calls: number; inputTokens: number; outputTokens: number }

const NO_USAGE: Usage = { calls: 0, inputTokens: 0, outputTokens: 0 }
const AT_ONCE = 3
// Two different questions that fail are no accident.
const MAX_FAILURES = 2

type Context = Pick<AgentContext<unknown>, 'model' | 'step' | 'inherited' | 'log' | 'signal'>
type Given = { diff: Diff; instructions: string; settings: Settings; before: Readonly<Record<string, Found[]>> }

/** Reads the files of a difference; `before` has what was read in earlier reviews, by key. */
export async function readByModel(context: Context, { diff, instructions, settings, before }: Given): Promise<Reading> {
  const { model, log } = context
  const { files, unread } = readableFiles(diff, settings, readerHash(model.name, instructions))
  const known = await readBefore(context, files, before)
  const carried = known.size
  const fresh = files.filter(({ key }) => !known.has(key))
  if (model.problem !== null) return readingOf({ files, known, carried, unread })
  const { chunks, left } = chunksOf(fresh, settings)
  log(`the model reads ${fresh.length - left.length} files in ${chunks.length} questions, ${carried} were read before`)
  const asked = await askAll(context, chunks, { diff, instructions, settings })
  for (const file of fresh.filter((each) => !left.includes(each))) {
    const failed = asked.failed.get(file.key)
    if (failed === undefined) known.set(file.key, asked.found.get(file.key) ?? [])
    else unread.push({ path: file.file.path, reason: failed })
  }
  unread.push(...left.map(({ file }) => ({ path: file.path, reason: 'too much for one review' })))
  return readingOf({ files, known, carried, unread }, asked.usage)
}

type Ended = { files: readonly ReadFile[]; known: ReadonlyMap<string, Found[]>; carried: number; unread: Unread[] }

function readingOf({ files, known, carried, unread }: Ended, usage: Usage = NO_USAGE): Reading {
  const found = files.flatMap(({ key }) => known.get(key) ?? [])
  return { found, reviewed: Object.fromEntries(known), read: known.size - carried, carried, unread, usage }
}

/** What the last review has read, or a job that this one supersedes. */
async function readBefore(
  { inherited }: Pick<Context, 'inherited'>,
  files: readonly ReadFile[],
  before: Given['before'],
): Promise<Map<string, Found[]>> {
  const known = new Map<string, Found[]>()
  for (const { key } of files) {
    const found = before[key] ?? ((await inherited(stepOf(key))) as Found[] | undefined)
    if (found !== undefined) known.set(key, found)
  }
  return known
}

type Asked = { found: Map<string, Found[]>; failed: Map<string, string>; usage: Usage }

/** A few at a time; after two that failed the rest would fail as well. */
async function askAll(context: Context, chunks: readonly Chunk[], given: Omit<Given, 'before'>): Promise<Asked> {
  const asked: Asked = { found: new Map(), failed: new Map(), usage: { ...NO_USAGE } }
  const rest = [...chunks]
  const reasons: string[] = []
  const worker = async () => {
    for (let chunk = rest.shift(); chunk !== undefined; chunk = rest.shift()) {
      const isOver = reasons.length >= MAX_FAILURES
      const reason = isOver ? (reasons.at(-1) ?? null) : await failureOf(ask(context, chunk, { ...given, asked }))
      if (reason === null) continue
      if (!isOver) reasons.push(reason)
      for (const { key } of chunk.pieces) asked.failed.set(key, reason)
    }
  }
  // All of them end before one that failed is an error: none may work on unseen.
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker))
  for (const end of ended) if (end.status === 'rejected') throw end.reason
  for (const reason of new Set(reasons)) context.log(`the model did not read all: ${reason}`)
  return asked
}

/**
 * Why a question got no answer, such as a budget that is used up. What another attempt would mend
 * is thrown.
 */
async function failureOf(asking: Promise<void>): Promise<string | null> {
  try {
    await asking
    return null
  } catch (error) {
    if (error instanceof GiveUp) return errorText(error)
    throw error
  }
}

async function ask(
  { model, step }: Context,
  { id, pieces }: Chunk,
  { diff, instructions, settings, asked }: Omit<Given, 'before'> & { asked: Asked },
): Promise<void> {
  const usage = { ...NO_USAGE }
  const answer = await model.object({
    name: `read ${pieces.length === 1 ? 'a file' : `${pieces.length} files`} ${id}`,
    system: SYSTEM,
    prompt: questionOf(pieces, instructions),
    schema: answerSchema,
    onAnswer({ inputTokens, outputTokens }) {
      usage.calls += 1
      usage.inputTokens += inputTokens
      usage.outputTokens += outputTokens
    },
  })
  const files = pieces.map(({ file }) => file)
  const all = fingerprinted(findingsIn(answer, files, settings.minConfidence), diff)
  const took = await step(`took ${id}`, () => usage)
  for (const name of Object.keys(NO_USAGE) as (keyof Usage)[]) asked.usage[name] += took[name]
  for (const { key, file, isWhole } of pieces) {
    const found = [...(asked.found.get(key) ?? []), ...all.filter(({ path }) => path === file.path)]
    asked.found.set(key, found)
    // For a job that supersedes this one; of a file in several pieces only all of them count.
    if (isWhole) await step(stepOf(key), () => found)
  }
}

function stepOf(key: string): string {
  return `read ${key}`
}
