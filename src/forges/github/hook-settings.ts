// A webhook as it should be: what differs of one that is there, and how it is made, changed, pinged
// and removed. https://docs.github.com/en/rest/repos/webhooks, and …/orgs/webhooks
import type { HookPath } from '../hooks.ts'
import type { ListedHook } from './find-hooks.ts'
import { isSameAddress, listHooks } from './find-hooks.ts'
import type { HookConnections } from './hook-client.ts'
import { withHookClient } from './hook-client.ts'

/** What a webhook is to be. */
export type WantedHook = { url: string; secret: string; events: readonly string[] }

/** A webhook as it is. */
export type Hook = {
  path: HookPath
  url: string | null
  active: boolean
  events: string[]
  contentType: string
  verifiesTls: boolean
  hasSecret: boolean
}

/** What the receiver answered to something that was sent; its status is 0 where it did not. */
export type HookAnswer = { status: number; reason: string; tookMs: number | null; body: string }

/** The webhooks of one place: `repos/acme/shop` or `orgs/acme`. */
export type HookPlace = {
  list(): Promise<Hook[]>
  create(wanted: WantedHook): Promise<Hook>
  /** Makes it what is wanted; events that it has besides stay. */
  update(hook: Hook, wanted: WantedHook): Promise<Hook>
  remove(hook: Hook): Promise<void>
  ping(hook: Hook): Promise<void>
  answer(hook: Hook, deliveryId: string): Promise<HookAnswer>
}

/** The webhooks of a repository or an organisation. */
export function hookPlace(connections: HookConnections, place: string): HookPlace {
  const path = (hook: Hook) => `/${hook.path}`
  return {
    list: () =>
      withHookClient(connections, place, async (octokit) =>
        (await listHooks(octokit, place)).map((hook) => readHook(place, hook)),
      ),
    create: (wanted) =>
      withHookClient(connections, place, async (octokit) => {
        const { data } = await octokit.request(`POST /${place}/hooks`, { name: 'web', ...bodyOf(wanted) })
        return readHook(place, data)
      }),
    update: (hook, wanted) =>
      withHookClient(connections, place, async (octokit) => {
        const events = allEvents(hook, wanted)
        const { data } = await octokit.request(`PATCH ${path(hook)}`, bodyOf({ ...wanted, events }))
        return readHook(place, data)
      }),
    remove: (hook) =>
      withHookClient(connections, place, async (octokit) => void (await octokit.request(`DELETE ${path(hook)}`))),
    ping: (hook) =>
      withHookClient(connections, place, async (octokit) => void (await octokit.request(`POST ${path(hook)}/pings`))),
    answer: (hook, id) =>
      withHookClient(connections, place, async (octokit) => {
        const { data } = await octokit.request(`GET ${path(hook)}/deliveries/${id}`)
        return readAnswer(data)
      }),
  }
}

/** What of a webhook is not as it is wanted, as people read it; nothing where all is. */
export function differences(hook: Hook, wanted: WantedHook): string[] {
  const missing = missingEvents(hook, wanted)
  return [
    ...(isSameAddress(hook.url ?? undefined, wanted.url) ? [] : [`the address was ${hook.url}`]),
    ...(hook.active ? [] : ['it was not active']),
    ...(hook.contentType === 'json' ? [] : [`the content type was ${hook.contentType}`]),
    ...(hook.verifiesTls ? [] : ['TLS was not verified']),
    ...(hook.hasSecret ? [] : ['it had no secret']),
    ...(missing.length === 0 ? [] : [`events were missing: ${missing.join(', ')}`]),
  ]
}

function missingEvents({ events }: Hook, wanted: WantedHook): string[] {
  return events.includes('*') ? [] : wanted.events.filter((event) => !events.includes(event))
}

function allEvents(hook: Hook, wanted: WantedHook): string[] {
  const all = [...new Set([...hook.events, ...wanted.events])]
  return all.includes('*') ? ['*'] : all
}

function bodyOf({ url, secret, events }: WantedHook) {
  return { config: { url, secret, content_type: 'json', insecure_ssl: '0' }, events: [...events], active: true }
}

function readHook(place: string, { id, active = false, events = [], config }: ListedHook): Hook {
  return {
    path: `${place}/hooks/${id}`,
    url: config.url ?? null,
    active,
    events,
    contentType: config.content_type ?? 'form',
    verifiesTls: String(config.insecure_ssl ?? '0') === '0',
    hasSecret: config.secret !== undefined && config.secret !== '',
  }
}

type Detail = {
  status_code?: number | null
  status?: string
  duration?: number | null
  response?: { payload?: unknown }
}

function readAnswer({ status_code: code, status, duration, response }: Detail): HookAnswer {
  const body = response?.payload ?? ''
  return {
    status: code ?? 0,
    reason: status ?? '',
    tookMs: duration === null || duration === undefined ? null : Math.round(duration * 1000),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  }
}
