// Webhooks and their deliveries: https://docs.github.com/en/rest/webhooks
// GitHub sends each once, and lists what became of it for three days.
import { AppError, RetryAt } from '../../lib/error.ts'
import type { HookAttempt, HookForge, HookPath, SentHook } from '../hooks.ts'
import { findHooks } from './find-hooks.ts'
import type { HookConnections } from './hook-client.ts'
import { withHookClient } from './hook-client.ts'
import { nullOn } from './null-on.ts'
import { PAGE_SIZE } from './pages.ts'

const KEPT_MS = 3 * 24 * 60 * 60_000
// Of the requests of an hour, the share that is left to jobs.
const LEFT_TO_JOBS = 0.2

/** See `HookForge`. */
export function githubHooks(connections: HookConnections, now: () => number = Date.now): HookForge {
  const asking = { connections, share: shareOf(now) }
  return {
    keptMs: KEPT_MS,
    find: (address, repositories) => findHooks(connections, address, repositories),
    attempts: (hook, since) => attempts(asking, hook, since),
    sent: (hook, id) => sent(asking, hook, id),
  }
}

type Asking = { connections: HookConnections; share: Share }

async function* attempts({ connections, share }: Asking, hook: HookPath, since: Date) {
  let address: string | null = `/${hook}/deliveries?per_page=${PAGE_SIZE}`
  while (address !== null) {
    const path: string = address
    share.require()
    const response = await withHookClient(connections, hook, async (octokit) => {
      const answer = await octokit.request<string>(`GET ${path}`)
      return { headers: answer.headers, page: (answer.data as ListedDelivery[]).map(toAttempt) }
    })
    const { headers, page } = response
    share.note(headers)
    yield page
    // In whichever order a page is, and however many of an earlier one it repeats.
    address = page.some(({ at }) => at >= since) ? nextPage(headers.link) : null
  }
}

type ListedDelivery = {
  // As `bigint` from octokit where it is larger than a double can tell apart.
  id: number | bigint
  guid: string
  delivered_at: string
  status_code: number | null
  event: string
  action: string | null
}

function toAttempt({ id, guid, delivered_at, status_code, event, action }: ListedDelivery): HookAttempt {
  return {
    id: String(id),
    guid,
    at: new Date(delivered_at),
    status: status_code ?? 0,
    event: action === null ? event : `${event}.${action}`,
  }
}

function nextPage(link: string | undefined): string | null {
  return /<([^<>]+)>;\s*rel="next"/.exec(link ?? '')?.[1] ?? null
}

type Share = { note(headers: Readonly<Record<string, unknown>>): void; require(): void }

/**
 * What GitHub says is left of the hour, of which a part is for jobs: whoever looks for webhooks
 * again in a while finds the same.
 */
function shareOf(now: () => number): Share {
  let used: { left: number; until: Date } | null = null
  return {
    note(headers) {
      const [limit = 0, left = 0, reset = 0] = ['limit', 'remaining', 'reset'].map((name) =>
        Number(headers[`x-ratelimit-${name}`]),
      )
      // Without limits, as GitHub Enterprise Server may be, there are no such headers.
      used = left < limit * LEFT_TO_JOBS ? { left, until: new Date(reset * 1000) } : null
    },
    require() {
      if (used === null || used.until.getTime() <= now()) return
      throw new RetryAt(used.until, `GitHub allows ${used.left} more requests this hour, which are left to jobs.`)
    },
  }
}

async function sent({ connections, share }: Asking, hook: HookPath, id: string): Promise<SentHook | null> {
  share.require()
  return withHookClient(connections, hook, (octokit) =>
    nullOn([404, 410], async () => {
      const path = `/${hook}/deliveries/${id}`
      const answer = await octokit.request(`GET ${path}`, { request: { parseSuccessResponseBody: false } })
      share.note(answer.headers)
      return readSent(await new Response(answer.data as ReadableStream).text())
    }),
  )
}

type Detail = { url?: string; request?: { headers?: Record<string, unknown>; payload?: unknown } }

/**
 * Reads the answer itself: octokit makes `bigint` of large numbers, which JSON cannot be made of
 * again, and `JSON.parse` other ones.
 */
function readSent(text: string): SentHook {
  const { url, request } = parseExactly(text) as Detail
  const { headers = {}, payload } = request ?? {}
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
  return {
    url: url ?? null,
    headers: Object.fromEntries(named),
    payload: typeof payload === 'object' && payload !== null ? JSON.stringify(payload) : null,
  }
}

// Not in TypeScript's library yet: https://github.com/tc39/proposal-json-parse-with-source
type ExactJson = {
  parse(text: string, revive: (key: string, value: unknown, context: { source: string }) => unknown): unknown
  rawJSON(text: string): unknown
}

/** Parses JSON so that `JSON.stringify` writes every number as it was. */
function parseExactly(text: string): unknown {
  const json = JSON as unknown as ExactJson
  try {
    return json.parse(text, (_, value, { source }) =>
      typeof value === 'number' && String(value) !== source ? json.rawJSON(source) : value,
    )
  } catch (cause) {
    throw new AppError('forge_failed', 'GitHub did not answer with JSON.', { cause })
  }
}
