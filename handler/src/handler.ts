// The routes: a web-standard function that turns a signed deployment event into a pull request.
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { AppError } from '../../src/lib/error.ts'
import { actOn } from './deployment.ts'
import { errorResponse, toAppError } from './failure.ts'
import { failed } from './log-lines.ts'
import type { HandlerOptions, Settings } from './options.ts'
import { readOptions } from './options.ts'
import { verify } from './verification.ts'
import { readWebhook } from './webhook.ts'

const SERVICE = 'Signalbox webhook handler'

/**
 * Makes a function from `Request` to `Response` for `POST …/webhook` and `GET …/health`. It
 * verifies Standard Webhooks or `X-Agenta-Signature`, opens the pull request of a deployment at
 * most once, and answers 200, or an error as `{code, detail}`: 502 when the pull request failed, so
 * that the sender sends the webhook again.
 * @throws AppError `config_invalid` when an option is not valid.
 */
export function createHandler(options: HandlerOptions): (request: Request) => Promise<Response> {
  const settings = readOptions(options)
  const app = new Hono({ getPath: lastPart })
    .get('/health', (c) => c.json({ status: 'healthy', service: SERVICE, github_configured: settings.forges !== null }))
    .all('/health', methodNotAllowed('GET', 'HEAD'))
    .post('/webhook', limitBody(settings), async (c) => {
      const body = new Uint8Array(await c.req.arrayBuffer())
      // The limit believes a Content-Length, and a platform may pass on what a client wrote there.
      if (body.length > settings.maxBodyBytes) throw tooLarge(settings)
      await verify(c.req.raw.headers, body, settings)
      return c.json(await actOn(readWebhook(body), settings))
    })
    .all('/webhook', methodNotAllowed('POST'))
    .notFound(() => errorResponse(new AppError('not_found')))
    .onError((error) => {
      const known = toAppError(error, settings.now)
      settings.log(...failed(known))
      return errorResponse(known)
    })
  return async (request) => app.fetch(request)
}

/**
 * Routes by the last part of the path, so that any prefix a platform adds (`/api`, a stage) is
 * fine.
 */
function lastPart(request: Request): string {
  return `/${new URL(request.url).pathname.split('/').findLast((part) => part !== '') ?? ''}`
}

function limitBody(settings: Settings) {
  return bodyLimit({
    maxSize: settings.maxBodyBytes,
    onError() {
      throw tooLarge(settings)
    },
  })
}

function tooLarge({ maxBodyBytes }: Settings): AppError {
  return new AppError('body_too_large', `The request body is larger than ${maxBodyBytes} bytes.`)
}

function methodNotAllowed(...allowed: string[]) {
  return (): never => {
    throw new AppError('method_not_allowed', `Use ${allowed.join(' or ')}.`, { headers: { allow: allowed.join(', ') } })
  }
}
