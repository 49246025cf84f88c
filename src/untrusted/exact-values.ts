// Finds known values in a text, in a time that grows with the text only.

// A shorter value stands in other texts by chance.
const MIN_CHARS = 7
// More values than this with the same beginning are one: the beginning, and all up to a space.
const MAX_ALIKE = 8
// So much of a long value is compared at each place; the rest only where this is there.
const COMPARED_CHARS = 200

/** Puts `replacement` in the place of every one of the values that is long enough to be found. */
export function replaceValues(values: Iterable<string>, replacement: string): (text: string) => string {
  const byStart = new Map<string, string[]>()
  for (const value of new Set(values)) {
    if (value.length < MIN_CHARS) continue
    const start = value.slice(0, MIN_CHARS)
    const alike = byStart.get(start)
    if (alike === undefined) byStart.set(start, [value])
    else alike.push(value)
  }
  for (const alike of byStart.values()) alike.sort((a, b) => b.length - a.length)
  if (byStart.size === 0) return (text) => text
  return (text) => {
    let shown = ''
    let kept = 0
    for (let at = 0; at + MIN_CHARS <= text.length; ) {
      const alike = byStart.get(text.slice(at, at + MIN_CHARS))
      const length = alike === undefined ? 0 : foundLength(text, at, alike)
      if (length > 0) {
        shown += text.slice(kept, at) + replacement
        kept = at + length
      }
      at += Math.max(length, 1)
    }
    return shown + text.slice(kept)
  }
}

/** How many characters there are one of the values; 0 when none is. */
function foundLength(text: string, at: number, alike: readonly string[]): number {
  if (alike.length > MAX_ALIKE) return endOfWord(text, at + MIN_CHARS) - at
  for (const value of alike) {
    if (!text.startsWith(value.slice(0, COMPARED_CHARS), at)) continue
    let length = Math.min(value.length, COMPARED_CHARS)
    while (length < value.length && text[at + length] === value[length]) length += 1
    return length
  }
  return 0
}

function endOfWord(text: string, from: number): number {
  let end = from
  while (end < text.length && !/\s/.test(text.charAt(end))) end += 1
  return end
}
