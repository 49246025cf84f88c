// What is done with a refused request: it is logged, kept, and counted against whoever sent it.
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { boundedLog } from '../lib/bounded-log.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import type { Pipeline } from '../pipeline.ts'
import type { ClientAddresses } from './client-address.ts'
import { networkOf } from './client-address.ts'
import { nodeHeaders } from './headers.ts'
import type { Health } from './health.ts'
import type { RequestRate } from './request-rate.ts'

/** What refusals are handled with. */
export type RefusalParts = {
  log: Log
  clock: Clock
  pipeline: Pick<Pipeline, 'refuse'>
  /** The names of the sources, which have a number of lines each. */
  sourceNames: Iterable<string>
  clients: ClientAddresses
  health: Pick<Health, 'last'>
  /** How many requests of a client are refused with the reason. */
  refused: RequestRate
}

// A sender without a secret must not fill the log. Each source has lines of its own, and so have
// the API and everything else.
const LINES = { burst: 100, everyMs: 1000 }
const MAX_PATH_CHARS = 200
const CLOSED: readonly string[] = ['source_closed', 'api_closed']
const BY_TOKEN: readonly string[] = ['token_invalid', 'api_closed']

/** The method and the path of a request, cut short. */
export function requestText({ req }: Context): string {
  return `${req.method} ${req.path.slice(0, MAX_PATH_CHARS)}`
}

/**
 * Handles refusals. The function returns the error to answer: the given one, or 429 to a client of
 * which too many requests were refused within a minute. Nothing else is refused for that: who has
 * the secret or the token is let in whatever else comes from the same address, which may be a
 * proxy's, or GitHub's with the webhooks of others.
 */
export function refusals(
  parts: RefusalParts,
): (error: AppError, c: Context<{ Bindings: HttpBindings }>) => Promise<AppError> {
  const { log, clock, pipeline, clients, health, refused } = parts
  const open = () => boundedLog(log, { clock, ...LINES })
  const logs = new Map(['manual', 'api', ...parts.sourceNames].map((name) => [name, open()]))
  const others = open()

  return async (error, c) => {
    const { place, isCounted } = refusalAt(c.req.path, error)
    if (place === null) return error
    const remote = clients.of(c.env.incoming)
    const { code, detail } = error
    const request = requestText(c)
    const write = logs.get(place) ?? others
    const sentence = `refused ${request} from ${remote}: ${code}: ${detail}${clockNote(error, health)}`
    write({ request, code, detail, remote }, sentence)
    const quota = isCounted ? refused.take(networkOf(remote)) : null
    if (quota?.isLeft === false) {
      const tooMany = `Too many requests from ${remote} were refused, and this one is too: ${code}: ${detail}`
      return new AppError('rate_limited', tooMany, { headers: { ...error.headers, ...quota.headers() } })
    }
    // A refusal that cannot be stored is still a refusal.
    await pipeline.refuse(place, error, nodeHeaders(c), remote).catch(() => undefined)
    return error
  }
}

/** A signature with a time is refused for a clock that is wrong, which need not be the sender's. */
function clockNote({ code }: AppError, health: Pick<Health, 'last'>): string {
  const { status, details } = health.last()?.clock ?? {}
  if (code !== 'signature_invalid' || status !== 'problem') return ''
  return ` (the clock of this server is ${details?.ahead_seconds} s ahead of the database's)`
}

/**
 * Where a request was refused: at a source, or the API; null when it was not. It counts when
 * no token was shown, and it was not refused for a rate already.
 */
function refusalAt(path: string, { code, status }: AppError): { place: string | null; isCounted: boolean } {
  const isUnknown = BY_TOKEN.includes(code)
  const isRefused = status < 500 || CLOSED.includes(code)
  // Whoever has the token reads the reason in the answer.
  if (path.startsWith('/api')) return { place: isUnknown ? 'api' : null, isCounted: true }
  const place = isRefused ? sourceIn(path) : null
  return { place, isCounted: place === 'manual' ? isUnknown : code !== 'rate_limited' }
}

/** The name of the source that a path is for, whether there is one or not; else the path. */
function sourceIn(path: string): string {
  if (path === '/webhook') return 'agenta'
  const name = /^\/webhook\/([^/]+)$/.exec(path)?.[1]
  if (name === undefined) return path
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
