// Words for people. Everything shown may be untrusted, so nothing in it may control the terminal.
import { CONTROLS } from '../lib/control-characters.ts'

/** A text without control characters and direction marks; line breaks and tabs stay. */
export function plain(text: string): string {
  return text.replace(CONTROLS, '\ufffd')
}

/** A value as JSON, in which control characters and direction marks are escaped like others. */
export function json(value: unknown, space?: number): string {
  return JSON.stringify(value, null, space).replace(CONTROLS, (mark) => {
    return `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** A value on one line: text as it is, nothing as an empty text, anything else as JSON. */
export function inline(value: unknown): string {
  if (value === null || value === undefined) return ''
  return plain(typeof value === 'string' ? value : JSON.stringify(value))
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The same text with every line moved to the right. */
export function indent(text: string, by = 2): string {
  return text.replaceAll(/^(?=.)/gm, ' '.repeat(by))
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
]

/** How long ago a time is, in its largest unit: `12s`, `3m`, `2h`, `5d`; empty for no time. */
export function age(time: unknown, now = Date.now()): string {
  const at = Date.parse(inline(time))
  if (Number.isNaN(at)) return ''
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1]
  return `${Math.floor(seconds / size)}${unit}`
}

/** A number with its noun: `1 rule`, `2 rules`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** A word as a shell reads it whole. */
export function shellWord(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** An error with a line for each mistake, as one line. */
export function inOneLine(error: string): string {
  const lines = error.split('\n').map((line) => line.trim())
  return lines.join('; ').replaceAll(':; ', ': ')
}

/** Words as a sentence. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.)]$/.test(words) ? '' : '.'}`
}
