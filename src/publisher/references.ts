// What an output says of earlier ones of its job: `{{outputs.pr.url}}` becomes the address that was
// written under that name.
import type { Output, Receipt } from './output.ts'

// Text from outside may have braces of its own, which then stay as they are.
const REFERENCE = /\{\{ ?outputs\.([a-z][a-z0-9_-]{0,49})\.(url|number|branch|sha) ?\}\}/g

// What people read; names, paths and files are what they are.
const TEXTS = ['title', 'body', 'note', 'summary', 'text', 'description', 'detailsUrl', 'logUrl', 'environmentUrl']

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
