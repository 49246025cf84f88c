// What an agent wants written, without secrets.
import type { Redactor } from '../untrusted/redact.ts'
import type { Output } from './output.ts'

// What people read. All else is names, addresses and files, in which only known values are
// replaced: code has examples of tokens, which must stay.
const PROSE = ['title', 'body', 'note', 'message', 'commitMessage', 'summary', 'text', 'description']

/**
 * The output with every secret taken out of what people read, and every known one of all the rest.
 */
export function redactedOutput(output: Output, redactor: Redactor): Output {
  return redacted(output, redactor.known, redactor) as Output
}

function redacted(value: unknown, replace: (text: string) => string, redactor: Redactor): unknown {
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map((each) => redacted(each, replace, redactor))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      // Bytes that are no text any more when something in them is replaced.
      name === 'base64' ? part : redacted(part, PROSE.includes(name) ? redactor.text : redactor.known, redactor),
    ]),
  )
}
