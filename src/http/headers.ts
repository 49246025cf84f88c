// The headers of a request as sources read them.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { HeaderReader } from '../sources/source.ts'

/** Node's parsed headers as a reader; repeated ones are joined as Node joins them. */
export function nodeHeaders(c: Context<{ Bindings: HttpBindings }>): HeaderReader {
  const { headers } = c.env.incoming
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()]
      return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
    },
  }
}
