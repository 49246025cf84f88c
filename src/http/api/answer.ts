// What the routes of the API have in common: their router, the answers they describe, and the parts
// of requests.
import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from '@hono/zod-openapi'
import { unknownFields } from '../../lib/zod.ts'

/** The router the nouns add their routes to. */
export type Api = OpenAPIHono<{ Bindings: HttpBindings }>

/** An answer with one JSON object. */
export function answer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } }
}

/** An answer with one page of rows. */
export function pageAnswer<Row extends z.ZodType>(description: string, row: Row) {
  return answer(
    description,
    z.object({
      items: z.array(row),
      next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null on the last one.' }),
    }),
  )
}

/** An answer with bytes. */
export function bytesAnswer(description: string) {
  return {
    description,
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } as const } },
  }
}

/** Every other answer. */
export const failure = answer(
  'The request was refused or failed; docs/errors.md lists the codes.',
  z
    .object({
      code: z.string(),
      detail: z.string(),
      request_id: z.string().optional().meta({ description: 'Of an internal error: what to look for in the log.' }),
    })
    .meta({ id: 'Failure' }),
)

/** A query. Unknown fields are refused, so that a misspelt filter does not list all. */
export function query<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, { error: unknownFields })
}

/** The query of a list. */
export function listQuery<Shape extends z.ZodRawShape>(shape: Shape) {
  return query({
    limit: z.coerce.number().int().min(1).max(100).default(50).meta({ description: 'Rows per page, newest first.' }),
    cursor: z.string().optional().meta({ description: 'The `next` of the previous page.' }),
    ...shape,
  })
}

/** The `{id}` of a path; `findId` finds the row it means. */
export const idParam = z.object({
  id: z.string().meta({ description: 'The id, or at least six characters of its beginning or end that no other has.' }),
})

/** A request to a path with an `{id}`. */
export type IdRequest = { req: { valid(part: 'param'): z.infer<typeof idParam> } }

/**
 * A JSON body, described by the schema that checks it. The route does not check it: its owner does,
 * after the body was read within the limits of all requests.
 */
export function jsonBody(schema: z.ZodType) {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return { required: true, content: { 'application/json': { schema: described as SchemaObject } } }
}

// OpenAPI 3.1 takes any JSON Schema of draft 2020-12; the types of the generator know less.
type SchemaObject = { type: 'object' }
