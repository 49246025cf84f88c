// The tool that searches in files, by words or by a regular expression.
import { isUtf8 } from 'node:buffer'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { compileGlobs, isGlob, PATH } from '../../../lib/glob.ts'
import { PathProblem, readInside } from '../../../workspaces/inside.ts'
import { filesAt, insidePath, pathArgument } from './paths.ts'
import type { EditContext } from './tool.ts'
import { defineTool, Refused } from './tool.ts'

const MAX_FILE_BYTES = 1_000_000
const MAX_BYTES = 50_000_000
const MAX_FOUND = 200
const MAX_FOUND_CHARS = 30_000
const MAX_MS = 5000

/** Searches. */
export const searchTool = defineTool({
  name: 'search',
  description: `Searches all files that .gitignore does not name, line by line, for words, or with regex for a regular expression (JavaScript's). Returns path:line: text, at most ${MAX_FOUND}.`,
  arguments: z.strictObject({
    query: z.string().min(1).max(500),
    regex: z.boolean().default(false),
    ignoreCase: z.boolean().default(false),
    path: pathArgument.default('.'),
    files: z.string().min(1).max(200).refine(isGlob).optional().describe('A glob of paths, such as **/*.ts'),
  }),
  changes: false,
  async run({ query, regex, ignoreCase, path: given, files }, context) {
    const path = insidePath(given)
    const isWanted = files === undefined ? () => true : compileGlobs(files, PATH)
    const wanted = filesAt(path, await context.copy.files()).filter(isWanted)
    const { texts, unread } = await readAll(wanted, context)
    const found = await findIn(texts, { query, regex, ignoreCase })
    const bounded = found.slice(0, MAX_FOUND)
    const notes = [
      found.length > bounded.length ? `Only the first ${MAX_FOUND} are shown.` : '',
      unread > 0 ? `${unread} files were not searched: they are no text, or too large.` : '',
    ]
    const said = [
      `${found.length === 0 ? 'Nothing' : found.length > MAX_FOUND ? 'More' : found.length} found.`,
      ...notes,
    ]
    return {
      target: query,
      outcome: 'ok',
      said: said.filter((note) => note !== '').join(' '),
      ...(bounded.length === 0 ? {} : { found: bounded.join('\n').slice(0, MAX_FOUND_CHARS) }),
    }
  },
})

async function readAll(paths: readonly string[], { copy }: EditContext) {
  const texts: [string, string][] = []
  let [left, unread] = [MAX_BYTES, 0]
  for (const path of paths) {
    const bytes = await readInside(copy.folder, path, Math.min(MAX_FILE_BYTES, left)).catch(unreadable)
    if (bytes === null || !isUtf8(bytes) || bytes.includes(0)) unread += 1
    else {
      texts.push([path, bytes.toString('utf8')])
      left -= bytes.length
    }
  }
  return { texts, unread }
}

function unreadable(error: unknown): null {
  if (error instanceof PathProblem) return null
  throw error
}

// In a thread that can be ended: a regular expression of the model's may take for ever, and nothing
// else would run meanwhile.
const SOURCE = `
const { workerData, parentPort } = require('node:worker_threads')
const { texts, query, regex, ignoreCase, max } = workerData
const source = regex ? query : RegExp.escape(query)
let pattern
try {
  pattern = new RegExp(source, ignoreCase ? 'iu' : 'u')
} catch {
  try {
    pattern = new RegExp(source, ignoreCase ? 'i' : '')
  } catch (error) {
    parentPort.postMessage({ problem: error.message })
  }
}
if (pattern !== undefined) parentPort.postMessage({ found: find() })
function find() {
  const found = []
  for (const [path, text] of texts) {
    const lines = text.split('\\n')
    for (let at = 0; at < lines.length; at += 1) {
      const match = pattern.exec(lines[at])
      if (match === null) continue
      const from = Math.max(0, match.index - 100)
      found.push(path + ':' + (at + 1) + ': ' + lines[at].slice(from, from + 300).trim())
      if (found.length > max) return found
    }
  }
  return found
}`

type Query = { query: string; regex: boolean; ignoreCase: boolean }

async function findIn(texts: readonly [string, string][], query: Query): Promise<string[]> {
  const workerData = { texts, ...query, max: MAX_FOUND }
  const limits = { maxOldGenerationSizeMb: 512 }
  const worker = new Worker(SOURCE, { eval: true, workerData, env: {}, execArgv: [], resourceLimits: limits })
  const answer = Promise.withResolvers<{ found?: string[]; problem?: string }>()
  const timer = setTimeout(
    () => answer.reject(new Refused(`The search took longer than ${MAX_MS / 1000} s: search for something simpler.`)),
    MAX_MS,
  )
  worker.once('message', answer.resolve).once('error', answer.reject)
  try {
    const { found, problem } = await answer.promise
    if (found !== undefined) return found
    throw new Refused(`The regular expression is not valid: ${problem}`)
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
