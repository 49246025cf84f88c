// Finds known values in a text, in a time that grows with the text only.

// A shorter value stands in other texts by chance.
const MIN_CHARS = 7
// So much of a long value is compared at each place; the rest only where this is there.
const COMPARED_CHARS = 64
// More long values than this with the same beginning are one: the beginning, and all up to the end
// of the line.
const MAX_ALIKE = 8

/** What some values have in common: a whole short one, or the beginning of `longer` ones. */
type Beginning = { text: string; longer: string[]; parent: Beginning | undefined }

/**
 * Puts `replacement` in the place of every one of the values that is long enough to be found, and
 * one in the place of several that overlap.
 */
export function replaceValues(values: Iterable<string>, replacement: string): (text: string) => string {
  const byStart = beginningsByStart(values)
  if (byStart.size === 0) return (text) => text
  return (text) => {
    let shown = ''
    let kept = 0
    for (let at = 0; at + MIN_CHARS <= text.length; at += 1) {
      const beginnings = byStart.get(text.slice(at, at + MIN_CHARS))
      const end = beginnings === undefined ? 0 : endOfFound(text, at, kept, beginnings)
      if (end <= kept) continue
      if (at >= kept) shown += text.slice(kept, at) + replacement
      kept = end
    }
    return shown + text.slice(kept)
  }
}

/** The beginnings in the order of their characters, by what they themselves begin with. */
function beginningsByStart(values: Iterable<string>): Map<string, Beginning[]> {
  const byText = new Map<string, string[]>()
  for (const value of new Set(values)) {
    if (value.length < MIN_CHARS) continue
    const text = value.slice(0, COMPARED_CHARS)
    const longer = byText.get(text) ?? []
    if (value.length > text.length) longer.push(value)
    byText.set(text, longer)
  }
  const byStart = new Map<string, Beginning[]>()
  for (const text of [...byText.keys()].sort()) {
    const start = text.slice(0, MIN_CHARS)
    const alike = byStart.get(start) ?? []
    alike.push({ text, longer: byText.get(text) ?? [], parent: beginningOf(text, alike.at(-1)) })
    byStart.set(start, alike)
  }
  return byStart
}

/** The longest that the text begins with: the given one, or what that begins with. */
function beginningOf(text: string, given: Beginning | undefined): Beginning | undefined {
  let found = given
  while (found !== undefined && !text.startsWith(found.text)) found = found.parent
  return found
}

/** Where the longest value at a place ends, of which all before `from` is replaced already. */
function endOfFound(text: string, at: number, from: number, beginnings: readonly Beginning[]): number {
  const here = text.slice(at, at + COMPARED_CHARS)
  const found = beginningOf(here, lastUpTo(here, beginnings))
  if (found === undefined) return 0
  const end = at + found.text.length
  // What is replaced already is not compared again, or values that overlap would cost their square.
  const next = Math.max(from, end)
  if (found.longer.length > MAX_ALIKE) return endOfLine(text, next)
  return Math.max(end, ...found.longer.map((value) => endOfEqual(text, at, next, value)))
}

/** The last one that is not behind the text in the order of characters. */
function lastUpTo(text: string, beginnings: readonly Beginning[]): Beginning | undefined {
  let low = 0
  let high = beginnings.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((beginnings[middle]?.text ?? '') <= text) low = middle + 1
    else high = middle
  }
  return beginnings[low - 1]
}

function endOfEqual(text: string, at: number, from: number, value: string): number {
  let end = from
  while (end - at < value.length && text[end] === value[end - at]) end += 1
  return end
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
