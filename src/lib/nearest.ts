// The known name that a misspelt one is nearest to.

/** The nearest of the known names, as a hint after a sentence; empty when none is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const found = nearest(name, known)
  return found === null ? '' : `; did you mean ${JSON.stringify(found)}?`
}

/**
 * The known name that needs the fewest changes of a letter to become: at most one in three letters,
 * an exchange of two neighbours counting as one. Null when none is so near.
 */
export function nearest(name: string, known: Iterable<string>): string | null {
  // What comes from outside may be long, and the effort grows with the product of the lengths.
  if (name.length > MAX_CHARS) return null
  let best: { name: string; changes: number } | null = null
  for (const each of known) {
    const allowed = Math.ceil(Math.min(name.length, each.length) / 3)
    if (Math.abs(name.length - each.length) > allowed) continue
    const changes = changesBetween(name.toLowerCase(), each.toLowerCase())
    if (changes <= allowed && changes < (best?.changes ?? Number.POSITIVE_INFINITY)) best = { name: each, changes }
  }
  return best?.name ?? null
}

const MAX_CHARS = 100

/** How many letters are inserted, deleted, replaced or exchanged with their neighbour. */
function changesBetween(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const changed = Math.min(replaced, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1)
      const isExchange = column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      current.push(isExchange ? Math.min(changed, (before[column - 2] ?? changed) + 1) : changed)
    }
    ;[before, last] = [last, current]
  }
  return last[b.length] ?? 0
}
