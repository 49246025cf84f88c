// Lists in GraphQL, which come in pages.
import { graphqlError } from './error.ts'

const MAX_PAGE = 100

/** Which part of a list is asked for. */
export type PageArgs = { first?: number | null; after?: string | null; last?: number | null; before?: string | null }

/** One page of a list; `field` is what errors call it. */
export function connectionOf<T, Shown>(field: string, items: readonly T[], args: PageArgs, show: (item: T) => Shown) {
  const size = args.first ?? args.last
  if (size == null) {
    throw graphqlError(
      'MISSING_PAGINATION_BOUNDARIES',
      `You must provide a \`first\` or \`last\` value to properly paginate the \`${field}\` connection.`,
    )
  }
  if (size < 0 || size > MAX_PAGE) {
    throw graphqlError(
      'EXCESSIVE_PAGINATION',
      `Requesting ${size} records on the \`${field}\` connection exceeds the \`first\` limit of ${MAX_PAGE} records.`,
    )
  }
  const from = args.after == null ? 0 : indexOf(args.after) + 1
  const to = args.before == null ? items.length : indexOf(args.before)
  const [start, end] = args.first == null ? [Math.max(from, to - size), to] : [from, Math.min(to, from + size)]
  const edges = items.slice(start, end).map((item, at) => ({ cursor: cursorOf(start + at), node: show(item) }))
  return {
    nodes: edges.map(({ node }) => node),
    edges,
    totalCount: items.length,
    pageInfo: {
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
      hasNextPage: end < items.length,
      hasPreviousPage: start > 0,
    },
  }
}

function cursorOf(index: number): string {
  return Buffer.from(`cursor:${index}`).toString('base64')
}

function indexOf(cursor: string): number {
  return Number(Buffer.from(cursor, 'base64').toString().replace('cursor:', ''))
}
