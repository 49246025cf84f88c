// JSON a person wrote, read from a file or standard input; a mistake in it is named by its line and
// column.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { errorText } from '../lib/error.ts'
import { systemFailure } from '../lib/system-error.ts'
import { CliError } from './failure.ts'
import type { Terminal } from './terminal.ts'

function fails(text: string, how: RegExp): boolean {
  try {
    JSON.parse(text)
    return false
  } catch (error) {
    return how.test(errorText(error))
  }
}

/**
 * Where the first mistake is. V8 says so except for an unexpected token and an early end, and
 * parse-json 8 knows no more than V8. A mistake does not depend on what follows it, so the shortest
 * beginning with an unexpected token ends in it.
 */
function mistakeAt(text: string, message: string): number {
  const stated = /at position (\d+)/.exec(message)?.[1]
  if (stated !== undefined) return Number(stated)
  if (!message.startsWith('Unexpected token')) return text.length
  let [shortest, longest] = [1, text.length]
  while (shortest < longest) {
    const middle = (shortest + longest) >> 1
    if (fails(text.slice(0, middle), /^Unexpected token/)) longest = middle
    else shortest = middle + 1
  }
  return shortest - 1
}

/**
 * Parses JSON.
 * @throws CliError `json_invalid` with line and column when the text is not JSON.
 */
export function parseJson(text: string, name: string): unknown {
  const source = text.replace(/^\ufeff/, '')
  try {
    return JSON.parse(source)
  } catch (error) {
    const message = errorText(error)
    const before = source.slice(0, mistakeAt(source, message)).split('\n')
    const [what] = message.split(/ in JSON| at position |, "|,? "?\.{3}/)
    throw new CliError(
      'json_invalid',
      `${name}, line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}.`,
      'Correct the JSON there.',
    )
  }
}

/**
 * The bytes of a file as text; `-` is standard input.
 * @throws CliError `file_unreadable` when it cannot be read.
 */
async function readText(terminal: Pick<Terminal, 'folder' | 'readInput'>, name: string): Promise<string> {
  if (name === '-') return terminal.readInput()
  return readFile(resolve(terminal.folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : (systemFailure(error)?.reason ?? errorText(error))
    throw new CliError(
      'file_unreadable',
      `${name} cannot be read: ${why}.`,
      'Name an existing file, or - for standard input.',
    )
  })
}

/**
 * Reads JSON from a file, or from standard input for `-`.
 * @throws CliError `file_unreadable` or `json_invalid` when it cannot be read or is not JSON.
 */
export async function readJsonFile(terminal: Pick<Terminal, 'folder' | 'readInput'>, name: string): Promise<unknown> {
  return parseJson(await readText(terminal, name), name === '-' ? 'standard input' : name)
}
