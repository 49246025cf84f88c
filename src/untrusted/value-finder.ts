// Finds known values in a text, also where somebody has hidden them: encoded, spelled with other
// characters between, or backwards.
import { encodedForms } from './encoded.ts'
import { replaceValues } from './exact-values.ts'

// A shorter one stands in a long text without spaces by chance.
const MIN_SQUEEZED_CHARS = 12
const MARK = '\u0000'

/** Whether a text has one of the known values. */
export type ValueFinder = (text: string) => boolean

/**
 * A finder of values as they are, in addresses, JSON, base64 and hexadecimal, in whatever case and
 * with anything but letters and digits between.
 */
export function valueFinder(values: Iterable<string>): ValueFinder {
  const all = [...values]
  const asTheyAre = finder(all.flatMap(encodedForms))
  const squeezed = finder(
    all
      .flatMap(hiddenForms)
      .map(squeeze)
      .filter(({ length }) => length >= MIN_SQUEEZED_CHARS),
  )
  return (text) => asTheyAre(text) || squeezed(squeeze(text))
}

function finder(values: readonly string[]): ValueFinder {
  const replaced = replaceValues(values, MARK)
  return (text) => replaced(text) !== text
}

function squeeze(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '').toLowerCase()
}

function hiddenForms(value: string): string[] {
  const bytes = Buffer.from(value.trim())
  return [
    value.trim(),
    [...value.trim()].reverse().join(''),
    bytes.toString('hex'),
    ...[0, 1, 2].map((offset) => base64Within(bytes, offset)),
  ]
}

/**
 * What of the base64 of a longer text these bytes alone decide, where so many bytes of a group of
 * three are before them.
 */
function base64Within(bytes: Buffer, offset: number): string {
  const code = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
  return code.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}
