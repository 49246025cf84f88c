// A JSON body of an API request.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { parseJson } from '../../lib/json-body.ts'
import { requireContentType } from '../../sources/header.ts'
import { withBody } from '../body.ts'
import { nodeHeaders } from '../receive.ts'

/**
 * Reads a request's JSON, within the limits webhooks have; what is in it is checked by the room it
 * is for.
 * @throws AppError `content_type_unsupported`, `body_invalid`, `body_too_large`, `rate_limited`
 */
export async function readJson(c: Context<{ Bindings: HttpBindings }>): Promise<unknown> {
  requireContentType(nodeHeaders(c), ['application/json'])
  return withBody(c.env.incoming, parseJson)
}
