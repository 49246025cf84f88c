// `/api`: what can be asked and told, one file per noun, and its OpenAPI description.
import { OpenAPIHono } from '@hono/zod-openapi'
import { AppError } from '../../lib/error.ts'
import { VERSION } from '../../lib/version.ts'
import type { Access } from '../auth.ts'
import { authorise } from '../auth.ts'
import { MAX_BODY_BYTES } from '../body.ts'

/** The router the nouns add their routes to. */
export type Api = OpenAPIHono

/** An empty API that lets in only who `access` allows, and answers a wrong request with `input_invalid` naming the field. */
export const openApi = (access: Access): Api => {
  const api = new OpenAPIHono({
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
    const bytes = Number(c.req.header('content-length') ?? 0)
    if (bytes > MAX_BODY_BYTES) throw new AppError('body_too_large', undefined, { headers: { connection: 'close' } })
    await next()
  })
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Signalbox', version: VERSION, description: 'Signed webhooks in, finished work out.' },
    servers: [{ url: '/api' }],
  })
  return api
}
