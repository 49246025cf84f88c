// Trouble on request: what GitHub does on a bad day, at exactly the call a test names.
import type { Exchange } from './exchange.ts'

/** What goes wrong with a REST request. */
export type FaultKind =
  | 'status'
  | 'lostResponse'
  | 'timeout'
  | 'expireToken'
  | 'secondaryRateLimit'
  | 'primaryRateLimit'

/** The request that a callback is called with. */
export type FaultRequest = Pick<Exchange, 'method' | 'path' | 'route' | 'query' | 'requestBody' | 'login'>

/** Which REST requests are troubled, and how. */
export type RestFault = {
  method?: string
  /**
   * GitHub's template (`/repos/{owner}/{repo}/pulls`), or a pattern for the path without `/api/v3`.
   */
  route?: string | RegExp
  /** Matching requests let through before it starts. Default 0. */
  skip?: number
  /** How many requests it hits. Default 1. */
  times?: number
  /**
   * `status` answers without doing anything; `lostResponse` does the work, then cuts the
   * connection; `timeout` does nothing and never answers; `expireToken` revokes the token for good
   * (401). Without a kind only the callbacks run.
   */
  kind?: FaultKind
  /** For `status` (default 500) and `secondaryRateLimit` (403 or 429, default 403). */
  status?: number
  /** For the rate limits. Default 60. */
  retryAfterSeconds?: number
  /** Runs before the request is handled, outside any lock: it may call the API itself. */
  before?: (request: FaultRequest) => unknown
  /** Runs after the request took effect and before its answer is sent. */
  after?: (exchange: Exchange) => unknown
}

/** Which webhook deliveries are troubled, and how. */
export type WebhookFault = {
  event?: string
  action?: string
  skip?: number
  times?: number
  /**
   * `drop`: never sent, recorded as a failed connection. `duplicate`: sent twice with the same id.
   * `tamper`: the body changes after signing. `delay`: sent after `delayMs`, or after `release()`
   * when that is absent (so others overtake).
   */
  kind: 'drop' | 'duplicate' | 'tamper' | 'delay'
  delayMs?: number
}

/** A fault that was added. */
export type FaultHandle = {
  /** How often it has struck. */
  readonly hits: number
  remove(): void
}

/** A webhook fault that was added. */
export type WebhookFaultHandle = FaultHandle & {
  /** Sends the delayed deliveries, oldest first. */
  release(): void
}

/** The faults of one fake. */
export type Faults = {
  add(fault: RestFault): FaultHandle
  addWebhook(fault: WebhookFault): WebhookFaultHandle
  clear(): void
  /** For the router: the faults that strike this request, counted as used. */
  takeRest(request: FaultRequest): RestFault[]
  /**
   * For the sender: the fault that strikes this delivery, with the promise a delayed one waits for.
   */
  takeWebhook(event: string, action: string | null): (WebhookFault & { released: Promise<void> }) | null
}

type Armed<T> = {
  fault: T
  skip: number
  left: number
  hits: number
}

function strike<T>(armed: Armed<T>): boolean {
  if (armed.left <= 0) return false
  if (armed.skip > 0) {
    armed.skip--
    return false
  }
  armed.left--
  armed.hits++
  return true
}

function matchesRequest(fault: RestFault, request: FaultRequest): boolean {
  if (fault.method && fault.method.toUpperCase() !== request.method) return false
  if (fault.route === undefined) return true
  return typeof fault.route === 'string' ? fault.route === request.route : fault.route.test(request.path)
}

function matchesDelivery(fault: WebhookFault, event: string, action: string | null): boolean {
  return (fault.event ?? event) === event && (fault.action ?? action) === action
}

/** Makes an empty set of faults. */
export function emptyFaults(): Faults {
  const rest = new Set<Armed<RestFault>>()
  const webhook = new Set<Armed<WebhookFault> & { released: Promise<void> }>()
  const arm = <T extends { skip?: number; times?: number }>(fault: T): Armed<T> => ({
    fault,
    skip: fault.skip ?? 0,
    left: fault.times ?? 1,
    hits: 0,
  })
  return {
    add(fault) {
      const armed = arm(fault)
      rest.add(armed)
      return withHits(armed, { remove: () => void rest.delete(armed) })
    },
    addWebhook(fault) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const armed = { ...arm(fault), released: promise }
      webhook.add(armed)
      return withHits(armed, { remove: () => void webhook.delete(armed), release: resolve })
    },
    clear() {
      rest.clear()
      webhook.clear()
    },
    takeRest: (request) =>
      [...rest].filter((armed) => matchesRequest(armed.fault, request) && strike(armed)).map((armed) => armed.fault),
    takeWebhook(event, action) {
      for (const armed of webhook) {
        if (matchesDelivery(armed.fault, event, action) && strike(armed)) {
          return { ...armed.fault, released: armed.released }
        }
      }
      return null
    },
  }
}

function withHits<T extends object>(armed: Armed<unknown>, handle: T): T & { readonly hits: number } {
  return Object.defineProperty(handle, 'hits', { get: () => armed.hits }) as T & { readonly hits: number }
}
