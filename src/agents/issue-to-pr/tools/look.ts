// The tools that only look: list and read.
import { isUtf8 } from 'node:buffer'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { cut } from '../../../lib/cut.ts'
import { readInside } from '../../../workspaces/inside.ts'
import { filesAt, insidePath, pathArgument, requireEntry } from './paths.ts'
import { defineTool } from './tool.ts'

const MAX_ENTRIES = 500
const MAX_LINES = 400
const MAX_LINE_CHARS = 2000
const MAX_READ_CHARS = 30_000
const MAX_READ_BYTES = 5_000_000

/** Lists a folder, or all files below it. */
export const listTool = defineTool({
  name: 'list',
  description: `Lists what is in a folder; with deep, all files below it that .gitignore does not name. At most ${MAX_ENTRIES}.`,
  arguments: z.strictObject({ path: pathArgument.default('.'), deep: z.boolean().default(false) }),
  changes: false,
  async run({ path: given, deep }, { copy }) {
    const path = insidePath(given)
    const { kind } = await requireEntry(copy.folder, path)
    if (kind === 'file') return { target: path, outcome: 'failed', said: `${path} is a file: read it.` }
    const names = deep ? filesAt(path, await copy.files()) : await entriesOf(join(copy.folder, path))
    const more = names.length > MAX_ENTRIES ? ` The first ${MAX_ENTRIES}: list a folder in it.` : ''
    const said = `${path} has ${names.length} ${deep ? 'files' : 'entries'}.${more}`
    return { target: path, outcome: 'ok', said, found: names.slice(0, MAX_ENTRIES).join('\n') }
  },
})

async function entriesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter(({ name }) => name !== '.git')
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort()
}

/** Reads lines of a file. */
export const readTool = defineTool({
  name: 'read',
  description: `Reads a text file, at most ${MAX_LINES} lines at once: from line \`from\`, by default 1, to line \`to\`.`,
  arguments: z.strictObject({
    path: pathArgument,
    from: z.int().min(1).default(1),
    to: z.int().min(1).optional(),
  }),
  changes: false,
  async run({ path: given, from, to = from + MAX_LINES - 1 }, { copy }) {
    const path = insidePath(given)
    const bytes = await readInside(copy.folder, path, MAX_READ_BYTES)
    if (!isUtf8(bytes) || bytes.includes(0)) {
      return { target: path, outcome: 'failed', said: `${path} is not text: it has ${bytes.length} bytes.` }
    }
    const text = bytes.toString('utf8')
    const lines = text.split('\n')
    if (lines.at(-1) === '') lines.pop()
    const wanted = lines.slice(from - 1, Math.min(to, from + MAX_LINES - 1))
    const found: string[] = []
    let chars = 0
    for (const line of wanted) {
      const shown = cut(line, MAX_LINE_CHARS)
      chars += shown.length + 1
      if (chars > MAX_READ_CHARS) break
      found.push(shown)
    }
    const last = from - 1 + found.length
    const range = found.length === 0 ? 'no lines there' : `lines ${from} to ${last}`
    const ends = text.includes('\r\n') ? ' Its lines end with CRLF, which you need not write.' : ''
    const more = last < lines.length && found.length > 0 ? ` Read on from line ${last + 1}.` : ''
    const said = `${path}, ${range} of ${lines.length}.${more}${ends}`
    return { target: `${path}:${from}`, outcome: 'ok', said, found: found.join('\n') }
  },
})
