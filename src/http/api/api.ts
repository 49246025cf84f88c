// `/api`: what can be asked and told, one file per noun, and its OpenAPI description.
import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import { AppError } from '../../lib/error.ts'
import { VERSION } from '../../lib/version.ts'
import type { Access } from '../auth.ts'
import { authorise } from '../auth.ts'

/** The router the nouns add their routes to. */
export type Api = OpenAPIHono<{ Bindings: HttpBindings }>

/**
 * An empty API that lets in only who `access` allows, and answers a wrong request with
 * `input_invalid` naming the field.
 */
export function openApi(access: Access): Api {
  const api = new OpenAPIHono<{ Bindings: HttpBindings }>({
    defaultHook: (result) => {
      if (result.success) return
      const issue = result.error.issues[0]
      throw new AppError('input_invalid', `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not acceptable'}`)
    },
  })
  api.use('*', async (c, next) => {
    authorise(access, { get: (name) => c.req.header(name) ?? null })
    // PostgreSQL's text cannot hold NUL, so nothing can be found by it.
    if (c.req.url.includes('%00')) throw new AppError('input_invalid', 'The address holds a NUL character.')
    await next()
  })
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' })
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version: VERSION, description: 'Signed webhooks in, finished work out.' },
    servers: [{ url: '/api' }],
    security: [{ token: [] }],
  })
  return api
}
