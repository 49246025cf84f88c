// What people read of an event: the message for its type, without secrets, as a chat or a mail
// writes it.
import { AppError } from '../../lib/error.ts'
import { compileGlobs, isGlob, NAME } from '../../lib/glob.ts'
import type { Json, JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import { chatLine } from '../../untrusted/inert.ts'
import { redactor } from '../../untrusted/redact.ts'
import type { ToPrepare } from '../kinds/kind.ts'
import { defaultTemplate } from './defaults.ts'
import { linkOf } from './link.ts'
import { parseTemplate, renderTemplate, templateProblem } from './template.ts'

const MAX_TEMPLATES = 50
// With 40 values of six characters, each escaped by six, it fits into the 3,000 of a block of
// Slack.
const MAX_TEMPLATE_CHARS = 1500
// How much of each value is shown: less and less, until the message fits.
const VALUE_CHARS = [1000, 400, 150, 60, 20, 6]
const CHARS_OF_A_LINE = 60
// What is read of an event: secrets are looked for in all of it, at a millisecond for 4 kB.
const MAX_READ_CHARS = 100_000

/** How a destination writes messages. */
export type Markup = {
  maxChars: number
  /** Gives plain text no meaning. */
  escape(text: string): string
  /** Makes the first line of a default message its title; the line is escaped already. */
  title(line: string): string
}

/**
 * Checks the messages of an endpoint.
 * @throws AppError `input_invalid` naming every one at fault.
 */
export function readTemplates(templates: Readonly<Record<string, string>>): void {
  const entries = Object.entries(templates)
  const problems = entries.flatMap(([types, text]) => {
    const problem = keyProblem(types) ?? sizeProblem(text) ?? templateProblem(text)
    return problem === null ? [] : [`templates.${JSON.stringify(types.slice(0, 200))}: ${problem}`]
  })
  if (entries.length > MAX_TEMPLATES) problems.push(`templates: must have at most ${MAX_TEMPLATES} entries`)
  if (problems.length > 0) throw new AppError('input_invalid', problems.join('\n'))
}

function keyProblem(types: string): string | null {
  return types === '' || !isGlob(types) ? 'must be under a type of event, or a glob' : null
}

function sizeProblem(text: string): string | null {
  if (text.trim() === '') return 'must not be empty'
  return text.length > MAX_TEMPLATE_CHARS ? `must have at most ${MAX_TEMPLATE_CHARS} characters` : null
}

/** The message of an event for an endpoint, never empty and never longer than may be sent. */
export function messageOf(delivery: ToPrepare, markup: Markup): string {
  const own = ownTemplate(delivery)
  const values = shownValues(delivery)
  const text = written(own ?? defaultTemplate(delivery.event.type, values.data), own === null, { markup, values })
  return text.trim() === '' ? markup.escape(chatLine(delivery.event.type, 200)) : text
}

/** A template of the endpoint: one of exactly this type, or the first glob that matches. */
function ownTemplate({ endpoint: { templates }, event: { type } }: ToPrepare): string | null {
  if (Object.hasOwn(templates, type)) return templates[type] ?? null
  return Object.entries(templates).find(([types]) => compileGlobs(types, NAME)(type))?.[1] ?? null
}

/**
 * A template of the endpoint is in the markup of its destination; a default one is plain text.
 */
function written(
  template: string,
  isDefault: boolean,
  { markup, values }: { markup: Markup; values: JsonObject },
): string {
  const parsed = parseTemplate(template)
  let text = ''
  for (const chars of VALUE_CHARS) {
    const [first = '', ...others] = renderTemplate(parsed, values, {
      text: isDefault ? markup.escape : (own) => own,
      value: (lines) => fitting(lines, chars).map((line) => markup.escape(chatLine(line, chars))),
    })
    text = [isDefault && first !== '' ? markup.title(first) : first, ...others].join('\n')
    if (text.length <= markup.maxChars) break
  }
  return text
}

/** Of a value with many lines, the first ones. */
function fitting(lines: readonly string[], chars: number): readonly string[] {
  return lines.slice(0, Math.ceil(chars / CHARS_OF_A_LINE))
}

/** A template as plain text that nobody reads: the values are as long as they are. */
export function filledIn(template: string, values: unknown): string {
  return renderTemplate(parseTemplate(template), values, { text: (own) => own, value: (lines) => lines }).join('\n')
}

/**
 * What a template may name: the envelope, shortened and without secrets, and `link`. An envelope of
 * less than 100,000 characters is complete.
 */
export function shownValues(delivery: ToPrepare): JsonObject {
  const left = { chars: MAX_READ_CHARS }
  const said = shortened(JSON.parse(Buffer.from(delivery.envelope.body).toString('utf8')), left)
  const shown = redactor([said]).value(said) as Json
  const values = isObject(shown) ? (shown as JsonObject) : {}
  return { ...values, link: linkOf(delivery, values) }
}

/** As much of a value as may be read. Names and other short things come before what is nested. */
function shortened(value: Json, left: { chars: number }): Json {
  if (typeof value === 'string') {
    const text = value.slice(0, Math.max(left.chars, 0))
    left.chars -= value.length
    return text
  }
  if (typeof value !== 'object' || value === null) return value
  left.chars -= 1
  if (left.chars <= 0) return null
  if (Array.isArray(value)) return value.slice(0, left.chars).map((item) => shortened(item, left))
  const entries = Object.entries(value).sort(([, a], [, b]) => Number(isNested(a)) - Number(isNested(b)))
  const kept: [string, Json][] = []
  for (const [name, item] of entries) {
    left.chars -= name.length
    if (left.chars <= 0) break
    kept.push([name, shortened(item, left)])
  }
  return Object.fromEntries(kept) as JsonObject
}

function isNested(value: Json): boolean {
  return typeof value === 'object' && value !== null
}
