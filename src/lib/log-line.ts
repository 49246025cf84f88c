// A line of a job's log: where it is from, or with which fields, and how it is shown.
import { errorText } from './error.ts'
import { isObject } from './json.ts'

export const LOG_STREAMS = ['log', 'stdout', 'stderr'] as const

/** Where a line is from. */
export type LogStream = (typeof LOG_STREAMS)[number]

/** What a line says for programs, beside what it says for people. */
export type LogFields = Readonly<Record<string, unknown>>

const MAX_FIELDS_CHARS = 4000
const NOT_JSON = '"[not JSON]"'

/**
 * What was given with a line as JSON, if it is fields: as many whole ones as fit in 4,000
 * characters, because half of one may have half a secret, which nobody would know as one.
 */
export function fieldsJson(given: unknown): string | undefined {
  if (!isObject(given)) return undefined
  const members: string[] = []
  let chars = 0
  let leftOut = 0
  for (const [key, value] of Object.entries(given)) {
    const json = jsonOf(value)
    if (json === undefined) continue
    const member = `${JSON.stringify(key)}:${json}`
    if (chars + member.length > MAX_FIELDS_CHARS) {
      leftOut++
      continue
    }
    members.push(member)
    chars += member.length + 1
  }
  if (leftOut > 0) members.push(`"left_out":"${leftOut}, because there are more than 4,000 characters"`)
  return `{${members.join(',')}}`
}

function jsonOf(value: unknown): string | undefined {
  try {
    // An error would become an empty object.
    return JSON.stringify(value, (_, each) => (each instanceof Error ? errorText(each) : each))
  } catch {
    return NOT_JSON
  }
}

/** The same fields as plain data; null when there are none. */
export function fieldsOf(given: unknown): LogFields | null {
  const json = fieldsJson(given)
  return json === undefined ? null : (JSON.parse(json) as LogFields)
}

/** Reads what `fieldsJson` made in another process, which may have sent anything. */
export function readFields(json: unknown): LogFields | undefined {
  if (typeof json !== 'string' || json.length > 2 * MAX_FIELDS_CHARS) return undefined
  try {
    return fieldsOf(JSON.parse(json)) ?? undefined
  } catch {
    return undefined
  }
}

/** A line as people read it, its fields after it as `key=value`. */
export function lineText(line: string, fields: LogFields | null): string {
  const shown = Object.entries(fields ?? {}).map(
    ([key, value]) => `${bare(key) ?? JSON.stringify(key)}=${shownValue(value)}`,
  )
  return [line, ...shown].join(' ')
}

function shownValue(value: unknown): string {
  return (typeof value === 'string' ? bare(value) : undefined) ?? JSON.stringify(value)
}

/** The text, if it is one word that no quotes are needed for. */
function bare(text: string): string | undefined {
  return /^[^\s"=]+$/.test(text) ? text : undefined
}
