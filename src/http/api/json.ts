// A JSON body of an API request.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { parseJson } from '../../lib/json-body.ts'
import { requireContentType } from '../../sources/header.ts'
import { withBody } from '../body.ts'
import { nodeHeaders } from '../headers.ts'

/**
 * Reads a request's JSON, within the limits that webhooks have; its owner checks what it contains.
 * @throws AppError `content_type_unsupported`, `body_invalid`, `body_too_large` or `rate_limited`
 * when it cannot be read.
 */
export async function readJson(c: Context<{ Bindings: HttpBindings }>): Promise<unknown> {
  requireContentType(nodeHeaders(c), ['application/json'])
  return withBody(c.env.incoming, parseJson)
}
