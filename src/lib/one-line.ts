// Texts of others in the place of one line: what they break off cannot pass for another line.
import { CONTROLS } from './control-characters.ts'
import { cut } from './cut.ts'

const LINE_BREAK = /[\n\v\f\r\u0085\u2028\u2029]/

/** The text without line breaks and control characters. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replace(CONTROLS, '\ufffd').trim()
}

/** The first line of a text that is not empty, in `maxChars`. */
export function firstLine(text: string, maxChars: number): string {
  return cut(oneLine(text.trimStart().split(LINE_BREAK, 1)[0] ?? ''), maxChars)
}
