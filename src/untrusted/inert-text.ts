// Text of several lines, such as a model's, as Markdown in which only code acts: no link, mention,
// heading, image or HTML.
import { codeSpan, disarmed, fenced, visible } from './inert.ts'
import { redactText } from './redact-text.ts'

const FENCE = /^\s{0,3}(`{3,}|~{3,})/
// Code between back-ticks, and addresses, which would become links.
const CODE_OR_ADDRESS = /(`{1,9})([^`\n]{1,500})\1(?!`)|\b(?:[a-z][a-z0-9+.-]{1,20}:\/\/|www\.)[^\s<>`]{1,2000}/gi
const ACTIVE = /[\\`*_{}[\]<>#|~&!^$]/g
// A line of these below a text makes it a heading, or begins a list or a rule; with a slash it may
// be a command.
const LINE_START = /^(\s*)(?:([-=+]+|\d{1,9}[.)])(?=\s|$)|(\/)(?=[a-z]))/i

/** The text with its code as code, and all else as plain text. */
export function inertText(text: string): string {
  // Here, because no form of a token is recognised once it is escaped.
  const lines = redactText(visible(text)).trim().split('\n')
  const parts: string[] = []
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at] ?? '')?.[1]
    if (fence === undefined) {
      parts.push(inertLine(lines[at] ?? ''))
      continue
    }
    const end = lines.findIndex((line, index) => index > at && line.trim().startsWith(fence))
    const last = end === -1 ? lines.length : end
    parts.push(...fenced(lines.slice(at + 1, last), ''))
    at = last
  }
  return parts.join('\n')
}

/** The same for one line, such as a title. */
export function inertTitle(line: string): string {
  return inertLine(redactText(visible(line)).replace(/\s+/g, ' ').trim())
}

function inertLine(line: string): string {
  let shown = ''
  let from = 0
  for (const found of line.matchAll(CODE_OR_ADDRESS)) {
    shown += plain(line.slice(from, found.index)) + codeSpan((found[2] ?? found[0]).trim())
    from = found.index + found[0].length
  }
  const whole = shown + plain(line.slice(from))
  return whole.replace(LINE_START, (_, space: string, mark: string | undefined, slash: string | undefined) => {
    const isNumber = mark !== undefined && /^\d/.test(mark)
    return isNumber ? `${space}${mark.slice(0, -1)}\\${mark.slice(-1)}` : `${space}\\${mark ?? slash ?? ''}`
  })
}

function plain(text: string): string {
  // A back-tick after a backslash may still begin code for what stands behind it.
  return disarmed(text).replace(ACTIVE, (char) => (char === '`' ? '&#96;' : `\\${char}`))
}
