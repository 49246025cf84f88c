// How rows look on the wire: snake_case names, times as ISO 8601 text, pages with a cursor.
import { z } from '@hono/zod-openapi'

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** A row as the wire has it: its own keys in snake_case, what is inside them untouched. */
export function wire(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [snake(key), value]))
}

/** A page of rows as the wire has it. */
export function pageWire({ items, next }: { items: readonly object[]; next: string | null }) {
  return {
    items: items.map(wire),
    next,
  }
}

/** The query every list takes. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(50).openapi({ description: 'Rows a page, newest first.' }),
  cursor: z.string().optional().openapi({ description: 'The `next` of the page before.' }),
}

const row = z.record(z.string(), z.unknown())

/** An answer with one JSON object. */
export function rowAnswer(description: string) {
  return { description, content: { 'application/json': { schema: row } } }
}

/** An answer with one page of rows. */
export function pageAnswer(description: string) {
  return {
    description,
    content: { 'application/json': { schema: z.object({ items: z.array(row), next: z.string().nullable() }) } },
  }
}

/** An answer with bytes. */
export function bytesAnswer(description: string) {
  return {
    description,
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } as const } },
  }
}

/** Every other answer. */
export const failure = {
  description: 'The request was refused or failed; docs/errors.md lists the codes.',
  content: { 'application/json': { schema: z.object({ code: z.string(), detail: z.string() }) } },
}

/**
 * A described JSON body. Only described: the room it is for checks it, so that other ways in are
 * checked alike.
 */
export function jsonBody(properties: Record<string, object>, required: readonly string[]) {
  return {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'object' as const, properties, required: [...required], additionalProperties: false },
      },
    },
  }
}

/** The `{id}` of a path. */
export const idParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) })
