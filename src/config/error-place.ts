// Where in the configuration an error is: Node.js says it above the stack, in the stack, or not at
// all.
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** The place of an error that importing `path` threw: `file:line:column`, else the path alone. */
export async function errorPlace(error: unknown, path: string): Promise<string> {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  return shownPlace(stack) ?? framePlace(stack, path) ?? (await checkedPlace(error, path)) ?? path
}

/** Of a syntax error: the file and the line, then the text, below which carets may mark a part. */
function shownPlace(text: string): string | null {
  const [first = '', ...lines] = text.split('\n')
  const [, file, line] = /^(\S.*):(\d+)$/.exec(first) ?? []
  if (file === undefined) return null
  const marked = lines.find((each) => /^ *\^+ *$/.test(each))
  // Without a mark it is the end of the file.
  const column = marked === undefined ? (lines.slice(0, lines.indexOf('')).at(-1) ?? '').length : marked.indexOf('^')
  return `${file.startsWith('file:') ? fileURLToPath(file) : file}:${line}:${column + 1}`
}

/** Of what the file threw while it ran: the innermost call that is in it. */
function framePlace(stack: string, path: string): string | null {
  const start = `${pathToFileURL(path).href}:`
  const frame = stack.split('\n').find((line) => line.includes(start))
  const [, place] = /^(\d+:\d+)/.exec(frame?.slice(frame.indexOf(start) + start.length) ?? '') ?? []
  return place === undefined ? null : `${path}:${place}`
}

/** Importing JavaScript that is wrong says no place; checking the same file does. */
async function checkedPlace(error: unknown, path: string): Promise<string | null> {
  if (!(error instanceof SyntaxError)) return null
  return promisify(execFile)(process.execPath, ['--check', path]).then(
    () => null,
    ({ stderr }: { stderr?: string }) => shownPlace(stderr ?? ''),
  )
}
