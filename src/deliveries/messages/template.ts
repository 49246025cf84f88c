// The language of messages: text with `{{data.app_name}}` in it, and nothing that is run.
import { cut } from '../../lib/cut.ts'
import { isObject } from '../../lib/json.ts'
import { changeLines } from './changes.ts'

/** What a value becomes: as many lines as it has, none when there is no value. */
type Filter = (value: unknown) => string[]

const FILTERS: Readonly<Record<string, Filter>> = {
  '': plain,
  short: (value) => plain(value).map(shortened),
  json: (value) => (value === undefined ? [] : [JSON.stringify(value)]),
  changes: changeLines,
}

// With these, a message whose values are cut to the shortest fits everywhere, whatever they say.
const MAX_VALUES = 40
const MAX_SHORT_CHARS = 100
const COMMIT = /^[0-9a-f]{40}$/

type Placeholder = { path: readonly string[]; filter: Filter }

/** A template, read: its lines, and what each is made of. */
export type Template = readonly (readonly (string | Placeholder)[])[]

/** How a template's own text and the lines of a value are written in a message. */
export type Writing = { text(text: string): string; value(lines: readonly string[]): readonly string[] }

/** What is wrong with a template, as the rest of a sentence; null when it can be used. */
export function templateProblem(text: string): string | null {
  const insides = text.split('{{').slice(1)
  if (insides.length > MAX_VALUES) return `must name at most ${MAX_VALUES} values`
  for (const inside of insides) {
    const end = inside.indexOf('}}')
    if (end === -1) return 'must close every "{{" with "}}" on the same line'
    const [path = '', filter = '', ...more] = inside.slice(0, end).split('|').map(trimmed)
    if (path === '' || /[\n{]/.test(inside.slice(0, end))) return 'must name a value, as {{data.app_name}}'
    if (more.length > 0) return 'must have one filter at most'
    if (!Object.hasOwn(FILTERS, filter)) {
      return `must use one of the filters short, json and changes, not ${JSON.stringify(filter)}`
    }
  }
  return null
}

/** Reads a template in which there is no problem. */
export function parseTemplate(text: string): Template {
  return text.split('\n').map((line) => {
    const [before = '', ...others] = line.split('{{')
    return [before, ...others.flatMap(placeholder)].filter((piece) => piece !== '')
  })
}

function placeholder(text: string): (string | Placeholder)[] {
  const end = text.indexOf('}}')
  const [path = '', name = ''] = text.slice(0, end).split('|').map(trimmed)
  return [{ path: path.split('.'), filter: FILTERS[name] ?? plain }, text.slice(end + 2)]
}

/**
 * The lines of a template with the values of `root` in their places. A value that is not there is
 * empty, and a line on which all values are empty is left out.
 */
export function renderTemplate(template: Template, root: unknown, { text, value }: Writing): string[] {
  return template.flatMap((pieces) => {
    const placeholders = pieces.filter((piece) => typeof piece !== 'string')
    const values = new Map(placeholders.map((one) => [one, value(one.filter(valueAt(root, one.path)))]))
    if (placeholders.length > 0 && [...values.values()].every((lines) => lines.join('') === '')) return []
    const line = pieces.map((piece) => (typeof piece === 'string' ? text(piece) : values.get(piece)?.join('\n')))
    return [line.join('')]
  })
}

/** Only what the object itself has: a path may be `constructor`. */
function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      (isObject(value) || Array.isArray(value)) && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    root,
  )
}

function plain(value: unknown): string[] {
  if (value === undefined || value === null || value === '') return []
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)]
}

/** Seven characters of a commit, and of any other text its first line. */
function shortened(text: string): string {
  if (COMMIT.test(text)) return text.slice(0, 7)
  const [line = ''] = text.trimStart().split('\n', 1)
  return cut(line, MAX_SHORT_CHARS)
}

function trimmed(text: string): string {
  return text.trim()
}
