// What an output says of earlier ones of its job: `{{outputs.pr.url}}` becomes the address that was
// written under that name; and `{{job.reason}}`, why its job ended.
import { cut } from '../lib/cut.ts'
import { GiveUp } from '../lib/error.ts'
import { FILES_REFERENCE } from '../lib/files-reference.ts'
import { inline, plainLine } from '../untrusted/inert.ts'
import { mapTexts } from './map-texts.ts'
import type { Output, Receipt } from './output.ts'

const REFERENCE = /\{\{ ?outputs\.([a-z][a-z0-9_-]{0,49})\.(url|number|branch|sha) ?\}\}/g

// What people read, and the commit of a check; names, paths and files are what they are.
const TEXTS = [
  'commit',
  'title',
  'body',
  'note',
  'reply',
  'summary',
  'text',
  'description',
  'detailsUrl',
  'logUrl',
  'environmentUrl',
]

// What looks like one; in text from outside that was made inert it does not.
const LOOKS_LIKE_ONE = /\{\{ ?outputs\.[^{}]{0,100}\}\}/g
const WHOLE_REFERENCE = new RegExp(`^${REFERENCE.source}$`)

/**
 * Checks that each reference is to an earlier output, of these or of those `earlier`.
 * @throws GiveUp naming the field and the reference.
 */
export function requireReferences(outputs: readonly Output[], earlier: readonly Output[] = []): void {
  const names = new Set(earlier.flatMap(({ name }) => name ?? []))
  for (const [index, output] of outputs.entries()) {
    for (const [place, text] of textsIn(output, `outputs.${index}`)) {
      const isKnown = (found: string) => isReferenceTo(names, found) || isOwnReference(output, found)
      const wrong = (text.match(LOOKS_LIKE_ONE) ?? []).find((found) => !isKnown(found))
      if (wrong !== undefined) throw unknownReference(place, wrong, names)
    }
    if (output.name !== undefined) names.add(output.name)
  }
}

function isReferenceTo(names: ReadonlySet<string>, text: string): boolean {
  const name = WHOLE_REFERENCE.exec(text)?.[1]
  return name !== undefined && names.has(name)
}

/** A pull request's files, whose address `publishPullRequest` fills in. */
function isOwnReference({ kind }: Output, text: string): boolean {
  return kind === 'pull_request' && text === FILES_REFERENCE
}

function unknownReference(place: string, text: string, names: ReadonlySet<string>): GiveUp {
  const known =
    names.size === 0 ? 'no earlier output has a name' : `earlier outputs are called ${[...names].join(', ')}`
  const remedy = 'name one with its url, number, branch or sha; text from outside belongs in inline() or fenced()'
  return new GiveUp(`${place}: ${text} is no reference, because ${known}: ${remedy}.`)
}

/** The texts of an output in which references are replaced, each with its place. */
function textsIn(value: unknown, place: string, name = ''): [string, string][] {
  if (typeof value === 'string') return TEXTS.includes(name) ? [[place, value]] : []
  if (typeof value !== 'object' || value === null) return []
  const isList = Array.isArray(value)
  return Object.entries(value).flatMap(([key, part]) => textsIn(part, `${place}.${key}`, isList ? '' : key))
}

/** The receipts of a job's earlier outputs by their names; null where nothing had to be written. */
export type Receipts = ReadonlyMap<string, Receipt | null>

const REASON = /\{\{ ?job\.reason ?\}\}/g
// These are no Markdown, and a forge refuses longer ones.
const PLAIN_CHARS: Readonly<Record<string, number>> = { title: 250, description: 140 }
const MAX_REASON_CHARS = 500

/**
 * The output with what earlier ones were given in place of each reference to them, and with the
 * reason of the job's end where it has ended. A name that no earlier output has is no reference,
 * and what the receipt lacks is `(none)`.
 */
export function resolveReferences(output: Output, receipts: Receipts, reason?: string): Output {
  if (receipts.size === 0 && reason === undefined) return output
  return mapTexts(output, (text, field) =>
    TEXTS.includes(field) ? withReason(withReceipts(text, receipts), field, reason) : text,
  )
}

function withReceipts(text: string, receipts: Receipts): string {
  return text.replace(REFERENCE, (whole, name: string, field: keyof Receipt) => {
    const receipt = receipts.get(name)
    if (receipt === undefined) return whole
    return String(receipt?.[field] ?? '(none)')
  })
}

function withReason(text: string, name: string, reason: string | undefined): string {
  if (reason === undefined) return text
  const longest = PLAIN_CHARS[name]
  if (longest === undefined) return text.replace(REASON, () => inline(cut(reason, MAX_REASON_CHARS)))
  const left = longest - text.replace(REASON, '').length
  return text.replace(REASON, () => (left > 0 ? plainLine(reason, left) : ''))
}
