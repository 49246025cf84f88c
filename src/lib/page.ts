// One page of a list: how many rows are asked for, and where the next page begins.

/** Rows, newest first, and the id that the following page begins behind; null on the last one. */
export type Page<Item> = { items: Item[]; next: string | null }

/** How many rows a page has: 50 unless asked otherwise, at least 1 and at most 100. */
export function pageLimit(asked: number | undefined): number {
  return Math.min(Math.max(asked ?? 50, 1), 100)
}

/**
 * A page of `limit` rows, out of one more than that: the extra one only shows that there are
 * others.
 */
export function pageOf<Item extends { id: string }>(rows: readonly Item[], limit: number): Page<Item> {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}
