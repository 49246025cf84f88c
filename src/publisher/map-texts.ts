// Changes the texts of an output, however deep they stand.
import type { Output } from './output.ts'

/** The output with each text as `change` makes it, which gets the field's name; none in a list. */
export function mapTexts(output: Output, change: (text: string, field: string) => string): Output {
  return mapped(output, change, '') as Output
}

function mapped(value: unknown, change: (text: string, field: string) => string, field: string): unknown {
  if (typeof value === 'string') return change(value, field)
  if (Array.isArray(value)) return value.map((each) => mapped(each, change, ''))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapped(part, change, name)]))
}
