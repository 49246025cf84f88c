// What an output says of earlier ones of its job: `{{outputs.pr.url}}` becomes the address that was
// written under that name.
import { GiveUp } from '../lib/error.ts'
import type { Output, Receipt } from './output.ts'

const REFERENCE = /\{\{ ?outputs\.([a-z][a-z0-9_-]{0,49})\.(url|number|branch|sha) ?\}\}/g

// What people read; names, paths and files are what they are.
const TEXTS = ['title', 'body', 'note', 'summary', 'text', 'description', 'detailsUrl', 'logUrl', 'environmentUrl']

// What looks like one; in text from outside that was made inert it does not.
const LOOKS_LIKE_ONE = /\{\{ ?outputs\.[^{}]{0,100}\}\}/g
const WHOLE_REFERENCE = new RegExp(`^${REFERENCE.source}$`)

/**
 * Checks that each reference is to an earlier output.
 * @throws GiveUp naming the field and the reference.
 */
export function requireReferences(outputs: readonly Output[]): void {
  const names = new Set<string>()
  for (const [index, output] of outputs.entries()) {
    for (const [place, text] of textsIn(output, `outputs.${index}`)) {
      const wrong = (text.match(LOOKS_LIKE_ONE) ?? []).find((found) => !isReferenceTo(names, found))
      if (wrong !== undefined) throw unknownReference(place, wrong, names)
    }
    if (output.name !== undefined) names.add(output.name)
  }
}

function isReferenceTo(names: ReadonlySet<string>, text: string): boolean {
  const name = WHOLE_REFERENCE.exec(text)?.[1]
  return name !== undefined && names.has(name)
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

/**
 * The output with what earlier ones were given in place of each reference to them. A name that no
 * earlier output has is no reference, and what the receipt lacks is `(none)`.
 */
export function resolveReferences(output: Output, receipts: Receipts): Output {
  return (receipts.size === 0 ? output : resolved(output, receipts)) as Output
}

function resolved(value: unknown, receipts: Receipts, name = ''): unknown {
  if (typeof value === 'string') return TEXTS.includes(name) ? withReceipts(value, receipts) : value
  if (Array.isArray(value)) return value.map((each) => resolved(each, receipts))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, resolved(part, receipts, key)]))
}

function withReceipts(text: string, receipts: Receipts): string {
  return text.replace(REFERENCE, (whole, name: string, field: keyof Receipt) => {
    const receipt = receipts.get(name)
    if (receipt === undefined) return whole
    return String(receipt?.[field] ?? '(none)')
  })
}
