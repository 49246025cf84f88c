// What a route is, and the little language route families are written in.
import type { ZodType } from 'zod'
import type { Credentials, Need } from './access.ts'
import { accountOf, authorize } from './access.ts'
import type { FieldError } from './github-error.ts'
import { GithubError, notFound, validationFailed } from './github-error.ts'
import type { Hub } from './hub.ts'
import type { Account, App, Repository, Role } from './state.ts'
import { repositoryKey } from './state.ts'

/** An answer before the router adds the common headers; a string body is sent as it is. */
export type Reply = {
  status: number
  body?: unknown
  headers?: Record<string, string>
}

/** One request as a handler sees it. */
export type Call = {
  hub: Hub
  credentials: Credentials
  /** The decoded parameters of the path. */
  params: Record<string, string>
  query: URLSearchParams
  /** The request's address, for `Link` headers. */
  requestUrl: string
  accept: string
  body: unknown
}

/** A request about a repository that the asker may see. */
export type RepositoryCall = Call & {
  repo: Repository
}

/** A request that changes a repository, made by somebody. */
export type ChangeCall = RepositoryCall & {
  account: Account
  /** The App, when an installation acts. */
  app: App | null
}

/** One REST route under GitHub's own template. */
export type Route = {
  method: string
  path: string
  run(call: Call): Promise<Reply>
}

/** A route that concerns no single repository. */
export function route(method: string, path: string, handle: (call: Call) => Promise<Reply> | Reply): Route {
  return { method, path, run: async (call) => handle(call) }
}

// What only administrators may read.
const SETTINGS: Need[] = ['repository_hooks:read', 'administration:read']

/** A route that reads from a repository. */
export function read(path: string, need: Need, handle: (call: RepositoryCall) => Promise<Reply> | Reply): Route {
  return {
    method: 'GET',
    path,
    run: async (call) => {
      const repo = findRepository(call)
      authorize(call.credentials, repo, need, SETTINGS.includes(need) ? 'admin' : 'read')
      return handle({ ...call, repo })
    },
  }
}

/**
 * A route that changes a repository: tokens need the permission `need`, people the role, which is
 * write if absent.
 */
export function change(
  method: string,
  path: string,
  { need, role = 'write' }: { need: Need; role?: Role },
  handle: (call: ChangeCall) => Promise<Reply> | Reply,
): Route {
  return {
    method,
    path,
    run: async (call) => {
      const { hub, credentials } = call
      const account = accountOf(credentials)
      if (!account) throw new GithubError(401, 'Requires authentication')
      const repo = findRepository(call)
      authorize(credentials, repo, need, role)
      const app = (credentials.kind === 'token' && credentials.token.installation?.app) || null
      return hub.lock(repo, async () => handle({ ...call, repo, account, app }))
    },
  }
}

function findRepository({ hub, params }: Call): Repository {
  const repo = hub.state.repositories.get(repositoryKey(params.owner ?? '', params.repo ?? ''))
  if (!repo) throw notFound()
  return repo
}

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return { status, body, headers }
}

/** 204. */
export function noContent(): Reply {
  return { status: 204 }
}

/** One page of a list with GitHub's `Link` header (`per_page` 30 by default, at most 100). */
export function page<T>(call: Call, items: T[], show: (item: T) => unknown | Promise<unknown>): Promise<Reply> {
  return pageOf(call, items, show, (list) => list)
}

/** The same for lists that GitHub wraps in an object with a total. */
export async function pageOf<T>(
  { query, requestUrl }: Call,
  items: T[],
  show: (item: T) => unknown | Promise<unknown>,
  wrap: (list: unknown[]) => unknown,
): Promise<Reply> {
  const size = clamp(query.get('per_page'), 30, 100)
  const number = clamp(query.get('page'), 1, Number.MAX_SAFE_INTEGER)
  const last = Math.max(1, Math.ceil(items.length / size))
  const link = (to: number, rel: string) => {
    const url = new URL(requestUrl)
    url.searchParams.set('page', String(to))
    return `<${url}>; rel="${rel}"`
  }
  const links = [
    ...(number > 1 ? [link(Math.min(number - 1, last), 'prev')] : []),
    ...(number < last ? [link(number + 1, 'next'), link(last, 'last')] : []),
    ...(number > 1 ? [link(1, 'first')] : []),
  ]
  const list = await Promise.all(items.slice((number - 1) * size, number * size).map(show))
  return json(wrap(list), 200, links.length > 0 ? { link: links.join(', ') } : {})
}

function clamp(text: string | null, fallback: number, most: number): number {
  const value = Number(text ?? fallback)
  return Number.isInteger(value) && value >= 1 ? Math.min(value, most) : fallback
}

/**
 * The request's JSON body checked against a schema; 422 "Validation Failed" naming each missing or
 * wrong field.
 */
export function readBody<T>(call: Call, resource: string, schema: ZodType<T>): T {
  const parsed = schema.safeParse(call.body ?? {})
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map((issue): FieldError => {
    const missing = valueAt(call.body, issue.path) === undefined
    return { resource, field: issue.path.join('.'), code: missing ? 'missing_field' : 'invalid' }
  })
  throw validationFailed(...errors)
}

function valueAt(body: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], body)
}

/** A numeric path parameter; anything else is 404. */
export function numberParam({ params }: Call, name: string): number {
  const value = Number(params[name])
  if (!Number.isInteger(value)) throw notFound()
  return value
}
