// The configuration in a changed file, as it was and as it is, and the lines of its parameters.
import { numberOn } from '../../../diffs/anchors.ts'
import type { DiffFile, DiffLine } from '../../../diffs/diff.ts'
import type { Side } from '../../../forges/reviews.ts'
import { isObject } from '../../../lib/json.ts'
import type { Head } from './reviewer.ts'

/** A value that is no object, by the dotted path of its key. */
export type Leaf = { key: string; value: unknown; isInList: boolean }

/** One version of a configuration. */
export type Configuration = {
  config: unknown
  leaves: Leaf[]
  values: ReadonlyMap<string, unknown>
  /** The paths of its objects and lists. */
  objects: ReadonlySet<string>
}

/** Both versions; `before` is null where there was none, or no valid one. */
export type Versions = { before: Configuration | null; after: Configuration }

/** What is nested deeper is no configuration. */
export const MAX_DEPTH = 50

/**
 * Reads both versions: the new one from the head, or from the difference of a new file; the old one
 * by undoing the difference. Null where neither shows the file.
 */
export async function readVersions(
  file: DiffFile,
  head: Head,
): Promise<Versions | { invalid: string; line: number | null } | null> {
  const text = (await head.read?.(file.path)) ?? (file.status === 'added' ? sideOf(file, 'right') : null)
  if (text === null || file.isBinary || file.isSubmodule || file.newMode === '120000') return null
  let after: unknown
  try {
    after = JSON.parse(text)
  } catch (error) {
    return { invalid: reasonOf(error), line: brokenLine(file, error) }
  }
  return { before: parsed(file.status === 'added' ? null : undone(text, file)), after: configurationOf(after) }
}

function parsed(text: string | null): Configuration | null {
  try {
    return text === null ? null : configurationOf(JSON.parse(text))
  } catch {
    return null
  }
}

/** What is deployed: in a file that Signalbox wrote, what stands under `config`. */
function configurationOf(json: unknown): Configuration {
  const isRecord = isObject(json) && isObject(json.config) && ('deployment_id' in json || 'environment' in json)
  const config = isRecord ? json.config : json
  const leaves: Leaf[] = []
  const objects = new Set<string>()
  collect(config, [], false)
  return { config, leaves, objects, values: new Map(leaves.map(({ key, value }) => [key, value])) }

  function collect(value: unknown, steps: readonly string[], isInList: boolean): void {
    if (typeof value !== 'object' || value === null || steps.length > MAX_DEPTH) {
      leaves.push({ key: steps.join('.'), value, isInList })
      return
    }
    objects.add(steps.join('.'))
    for (const [key, item] of Object.entries(value)) collect(item, [...steps, key], isInList || Array.isArray(value))
  }
}

/** The text before the change. */
function undone(text: string, { hunks }: DiffFile): string {
  const lines = text.split('\n')
  const before: string[][] = []
  let at = 0
  for (const { newStart, newLines, lines: changed } of hunks) {
    // A hunk without new lines begins after the line that it names.
    const start = newLines === 0 ? newStart : newStart - 1
    before.push(lines.slice(at, start))
    before.push(changed.flatMap(({ left, text: line }) => (left === null ? [] : [line])))
    at = start + newLines
  }
  return [...before, lines.slice(at)].flat().join('\n')
}

function sideOf({ hunks }: DiffFile, side: 'left' | 'right'): string {
  return hunks.flatMap(({ lines }) => lines.flatMap((line) => (line[side] === null ? [] : [line.text]))).join('\n')
}

/** The changed lines of each side by the keys that stand on them. */
export type KeyLines = Record<Side, ReadonlyMap<string, DiffLine[]>>

// Of a key that stands on more lines none is chosen by its value.
const MAX_KEY_LINES = 100
const MAX_LINE_CHARS = 1000
const MAX_SHOWN_CHARS = 200
const KEY = /"([^"\\]{1,200})"\s{0,9}:/g

/** Finds the keys once for all parameters: a file may have thousands of each. */
export function keyLinesOf({ hunks }: DiffFile): KeyLines {
  const found = { LEFT: new Map<string, DiffLine[]>(), RIGHT: new Map<string, DiffLine[]>() }
  for (const line of hunks.flatMap(({ lines }) => lines)) {
    if (line.left !== null && line.right !== null) continue
    const lines = found[line.left === null ? 'RIGHT' : 'LEFT']
    for (const key of new Set(Array.from(line.text.matchAll(KEY), ([, name = '']) => name))) {
      const known = lines.get(key)
      if (known === undefined) lines.set(key, [line])
      else known.push(line)
    }
  }
  return found
}

/**
 * The changed line with a parameter: that with its value too, else the only one with its key; null
 * where it is not known.
 */
export function lineOf(keyLines: KeyLines, { key, value }: Leaf, side: Side): number | null {
  const name = key.split('.').findLast((step) => !/^\d+$/.test(step)) ?? key
  const lines = keyLines[side].get(name) ?? []
  if (lines.length > MAX_KEY_LINES) return null
  // One that is nested too deep is as it was read, and cannot be written.
  const start = typeof value === 'string' ? value.slice(0, MAX_SHOWN_CHARS) : value
  const shown = typeof value === 'object' ? '' : JSON.stringify(start).slice(0, MAX_SHOWN_CHARS)
  const exact = lines.length < 2 ? lines : lines.filter(({ text }) => text.slice(0, MAX_LINE_CHARS).includes(shown))
  const [only, ...others] = exact.length === 1 ? exact : lines
  return only === undefined || others.length > 0 ? null : numberOn(only, side)
}

/** Where V8 says that the JSON is wrong, if the change shows that line. */
function brokenLine({ hunks }: DiffFile, error: unknown): number | null {
  const line = Number(/\(line (\d{1,9}) column/.exec(String(error))?.[1] ?? Number.NaN)
  const shown = hunks.flatMap((hunk) => hunk.lines).some(({ right }) => right === line)
  return shown ? line : null
}

/** V8 quotes the text around the mistake, which may be a secret. */
function reasonOf(error: unknown): string {
  const place = /\(line \d{1,9} column \d{1,9}\)/.exec(String(error))?.[0]
  return place === undefined
    ? 'it ends too early, or has something that JSON does not'
    : `the mistake is at ${place.slice(1, -1)}`
}
