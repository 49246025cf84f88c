// One page of a list: how many rows are asked for, and where the next page begins.
import { AppError } from './error.ts'
import { isUuid } from './id.ts'

/** Rows, newest first, and the id that the following page begins after; null on the last one. */
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

/**
 * The `next` of an earlier page, as the id it is; null for the first page. `read` returns the id
 * in another spelling of it, or null when it is not one.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export function readCursor(
  cursor: string | undefined,
  read: (text: string) => string | null = uuidOrNull,
): string | null {
  if (cursor === undefined) return null
  const id = read(cursor)
  if (id === null) throw new AppError('input_invalid', 'cursor: unknown; pass the `next` of a previous page')
  return id
}

/**
 * The id a list is filtered by; null when it is not.
 * @throws AppError `input_invalid` when the value is not an id, naming the field.
 */
export function readId(field: string, value: string | undefined): string | null {
  if (value === undefined) return null
  if (!isUuid(value))
    throw new AppError(
      'input_invalid',
      `${field}: not an id; give it, or at least 6 characters of its beginning or end, as lists show it`,
    )
  return value
}

function uuidOrNull(text: string): string | null {
  return isUuid(text) ? text : null
}
