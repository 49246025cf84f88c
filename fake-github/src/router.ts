// Puts the routes on Hono and wraps each in what is common: credentials, faults, error bodies,
// headers and the log.
import { createHash, randomUUID } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import type { Credentials } from './access.ts'
import { accountOf, authenticate } from './access.ts'
import type { Exchange } from './exchange.ts'
import type { FaultRequest, RestFault } from './faults.ts'
import { GithubError } from './github-error.ts'
import type { Hub } from './hub.ts'
import type { Reply, Route } from './route.ts'
import type { Account } from './state.ts'

/**
 * `actor` is set by the helpers, which act in process as a person, unlogged and out of reach of
 * faults.
 */
type Bindings = Partial<HttpBindings> & { actor?: Account }
type RestContext = Context<{ Bindings: Bindings }>

const RATE_LIMIT = 5000
const DOCUMENTATION = 'https://docs.github.com/rest'
// Parameters that may contain slashes; octokit sends them encoded, curl does not, GitHub takes
// both.
const SLASHED = ['ref', 'path', 'basehead', 'branch', 'tag']

/** Called after each REST exchange. */
type ExchangeListener = (exchange: Exchange) => void

/** The REST API at `/api/v3` and at the root. */
export function restApp(hub: Hub, routes: Route[], onExchange: ExchangeListener): Hono<{ Bindings: Bindings }> {
  const rest = new Hono<{ Bindings: Bindings }>({ strict: false })
  for (const route of routes) rest.on(route.method, honoPath(route.path), (c) => serve(hub, c, route, onExchange))
  rest.all('*', (c) => serve(hub, c, null, onExchange))
  const app = new Hono<{ Bindings: Bindings }>({ strict: false })
  app.route('/api/v3', rest)
  app.route('/', rest)
  return app
}

function honoPath(template: string): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name) => `:${name}${SLASHED.includes(name) ? '{.+}' : ''}`)
  // The root folder has no path.
  return path.endsWith(':path{.+}') ? `${path}?` : path
}

async function serve(hub: Hub, c: RestContext, route: Route | null, onExchange: ExchangeListener): Promise<Response> {
  const url = new URL(c.req.url)
  const text = await c.req.text()
  const request: FaultRequest & { requestHeaders: Record<string, string> } = {
    method: c.req.method,
    path: url.pathname.replace(/^\/api\/v3(?=\/|$)/, ''),
    route: route?.path ?? null,
    query: Object.fromEntries(url.searchParams),
    requestBody: parseLoosely(text),
    requestHeaders: Object.fromEntries([...c.req.raw.headers].filter(([name]) => name !== 'authorization')),
    login: null,
  }
  const { actor } = c.env
  const who = identify(hub, c)
  if (!(who instanceof GithubError)) request.login = accountOf(who)?.login ?? null
  const faults = actor ? [] : hub.faults.takeRest(request)
  for (const fault of faults) await fault.before?.(request)
  const fault = faults.find(({ kind }) => kind)
  const reply = fault?.kind === 'timeout' ? { status: 504 } : await answer(hub, c, { route, who, text, fault })
  const headers = { ...commonHeaders(hub, who), ...jsonHeaders(reply), ...reply.headers }
  const exchange: Exchange = {
    ...request,
    status: reply.status,
    responseBody: reply.body ?? null,
    responseHeaders: headers,
    fault: fault?.kind ?? null,
  }
  if (!actor) {
    hub.state.requests.push(exchange)
    if (fault?.kind !== 'timeout') onExchange(exchange)
  }
  for (const each of faults) await each.after?.(exchange)
  if (fault?.kind === 'lostResponse') c.env.incoming?.socket.destroy()
  if (fault?.kind === 'timeout') await new Promise((resolve) => c.env.incoming?.socket.once('close', resolve))
  return respond(c, exchange)
}

function identify(hub: Hub, c: RestContext): Credentials | GithubError {
  if (c.env.actor) return { kind: 'human', account: c.env.actor }
  try {
    return authenticate(hub, c.req.header('authorization'))
  } catch (error) {
    if (error instanceof GithubError) return error
    throw error
  }
}

/** A request of which is known who asks, for what, and what is to go wrong. */
type Asked = {
  route: Route | null
  who: Credentials | GithubError
  /** The request's body. */
  text: string
  fault: RestFault | undefined
}

async function answer(hub: Hub, c: RestContext, { route, who, text, fault }: Asked): Promise<Reply> {
  try {
    if (fault) throwFault(hub, fault, who)
    if (who instanceof GithubError) throw who
    if (!route) throw noSuchRoute(c.req.method, new URL(c.req.url).pathname)
    return await route.run({
      hub,
      credentials: who,
      params: c.req.param() as Record<string, string>,
      query: new URL(c.req.url).searchParams,
      requestUrl: c.req.url,
      accept: c.req.header('accept') ?? '',
      body: c.req.method === 'GET' ? undefined : parseStrictly(text),
    })
  } catch (error) {
    if (!(error instanceof GithubError)) throw error
    const body = {
      message: error.message,
      ...(error.errors && { errors: error.errors }),
      documentation_url: DOCUMENTATION,
      status: String(error.status),
    }
    return { status: error.status, body, headers: error.headers }
  }
}

/** GitHub has many more routes; that one is missing here must not look like a missing object. */
function noSuchRoute(method: string, path: string): GithubError {
  return new GithubError(404, `The fake GitHub has no route for ${method} ${path}`)
}

function throwFault(hub: Hub, fault: RestFault, who: Credentials | GithubError): void {
  const retryAfter = fault.retryAfterSeconds ?? 60
  switch (fault.kind) {
    case 'status':
      throw new GithubError(fault.status ?? 500, 'Server Error')
    case 'expireToken':
      if ('kind' in who && who.kind === 'token') who.token.revoked = true
      throw new GithubError(401, 'Bad credentials')
    case 'secondaryRateLimit':
      throw new GithubError(
        fault.status ?? 403,
        'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
        undefined,
        { 'retry-after': String(retryAfter) },
      )
    case 'primaryRateLimit':
      throw new GithubError(403, 'API rate limit exceeded for user ID 1.', undefined, {
        'x-ratelimit-remaining': '0',
        'x-ratelimit-used': String(RATE_LIMIT),
        'x-ratelimit-reset': String(Math.floor(hub.clock() / 1000) + retryAfter),
      })
  }
}

function parseLoosely(text: string): unknown {
  try {
    return text === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}

function parseStrictly(text: string): unknown {
  if (text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new GithubError(400, 'Problems parsing JSON')
  }
  if (typeof value !== 'object' || value === null) throw new GithubError(400, 'Body should be a JSON object')
  return value
}

function commonHeaders(hub: Hub, who: Credentials | GithubError): Record<string, string> {
  const now = hub.clock()
  const token = 'kind' in who && who.kind === 'token' ? who.token : null
  const used = token?.used ?? 1
  return {
    date: new Date(now).toUTCString(),
    server: 'github.com',
    'x-github-request-id': randomUUID().toUpperCase(),
    'x-github-media-type': 'github.v3; format=json',
    'x-github-api-version-selected': '2022-11-28',
    'x-ratelimit-limit': String(RATE_LIMIT),
    'x-ratelimit-remaining': String(Math.max(0, RATE_LIMIT - used)),
    'x-ratelimit-used': String(used),
    'x-ratelimit-reset': String((Math.floor(now / 3_600_000) + 1) * 3600),
    'x-ratelimit-resource': 'core',
    ...(token && token.permissions === null && { 'x-oauth-scopes': token.scopes.join(', ') }),
  }
}

function jsonHeaders({ body }: Reply): Record<string, string> {
  if (body === undefined) return {}
  return { 'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8' }
}

/** Sends the answer, or 304 when the asker already has it. */
function respond(c: RestContext, { method, status, responseBody, responseHeaders }: Exchange): Response {
  if (status === 204 || responseBody === null) return new Response(null, { status, headers: responseHeaders })
  const text = typeof responseBody === 'string' ? responseBody : JSON.stringify(responseBody)
  if (method !== 'GET' || status !== 200) return new Response(text, { status, headers: responseHeaders })
  const etag = `W/"${createHash('sha256').update(text).digest('hex')}"`
  const headers = { ...responseHeaders, etag, 'cache-control': 'private, max-age=60, s-maxage=60' }
  if (c.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers })
  return new Response(text, { status, headers })
}
