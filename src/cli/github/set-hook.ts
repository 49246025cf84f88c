// Makes the webhook of a repository or an organisation, or repairs it; never makes a second one.
import { wantedEvents } from '../../config/github-events.ts'
import { WEBHOOK_PATH, webhookUrl } from '../../config/webhook-url.ts'
import { isSameAddress } from '../../forges/github/find-hooks.ts'
import type { Hook, WantedHook } from '../../forges/github/hook-settings.ts'
import { differences } from '../../forges/github/hook-settings.ts'
import { loadConfigured, loadSettings } from '../config-file.ts'
import { CliError } from '../failure.ts'
import type { Cli } from '../terminal.ts'
import type { HookOptions, PlaceOptions } from './github.ts'
import type { PingResult } from './ping.ts'
import { followPing, pingsOf } from './ping.ts'
import type { OpenPlace } from './place.ts'
import { openPlace } from './place.ts'

/** What was done. */
export type SetHook = {
  hook: string
  status: 'created' | 'changed' | 'unchanged' | 'would be created' | 'would be changed'
  url: string
  events: readonly string[]
  /** What was not as it should be. */
  changes: string[]
  /** Others that post to the same address. */
  others: string[]
  ping: PingResult | null
}

/**
 * Makes or repairs the webhook, and waits until a ping has arrived.
 * @throws CliError when something is not set, or a webhook of another address is in the way.
 */
export async function setHook(cli: Cli, repository: string | undefined, options: HookOptions): Promise<SetHook> {
  const place = openPlace(cli, repository, options)
  const wanted = await wantedOf(cli, place, options)
  const { own, others, changes } = await found(place, wanted, options)
  const isDry = options.dryRun === true
  const base = { url: wanted.url, changes, others: others.map(({ path }) => path) }
  if (isDry) {
    const status = own === null ? 'would be created' : changes.length > 0 ? 'would be changed' : 'unchanged'
    return { ...base, hook: own?.path ?? `the webhook of ${place.name}`, status, events: wanted.events, ping: null }
  }
  if (own === null) {
    const hook = await place.hooks.create(wanted)
    // GitHub pings what is new by itself.
    const ping = await followPing(cli, place, hook, { ...options, before: [] })
    return { ...base, hook: hook.path, status: 'created', events: hook.events, ping }
  }
  const hook = changes.length > 0 ? await place.hooks.update(own, wanted) : own
  const ping = await pinged(cli, place, hook, options)
  if (changes.length > 0 || ping.status !== 401) {
    const status = changes.length > 0 ? 'changed' : 'unchanged'
    return { ...base, hook: hook.path, status, events: hook.events, ping }
  }
  // GitHub never shows the secret: that it is another one is seen by the signature only.
  const again = await place.hooks.update(own, wanted)
  const last = await pinged(cli, place, again, options)
  return {
    ...base,
    changes: ['the secret was another one'],
    hook: own.path,
    status: 'changed',
    events: again.events,
    ping: last,
  }
}

/** Removes what posts to this server. */
export async function removeHooks(cli: Cli, repository: string | undefined, options: PlaceOptions): Promise<Hook[]> {
  const place = openPlace(cli, repository, options)
  const url = addressOf(place, options)
  const own = (await place.hooks.list()).filter((hook) => isSameAddress(hook.url ?? undefined, url))
  if (own.length === 0) {
    const hint = 'See which there are: signalbox github hook ls'
    throw new CliError('hook_unknown', `No webhook of ${place.name} posts to ${url}.`, hint)
  }
  for (const hook of own) await place.hooks.remove(hook)
  return own
}

async function pinged(cli: Cli, place: OpenPlace, hook: Hook, options: HookOptions): Promise<PingResult> {
  const before = await pingsOf(place, hook)
  await place.hooks.ping(hook)
  return followPing(cli, place, hook, { ...options, before })
}

async function wantedOf(cli: Cli, place: OpenPlace, options: PlaceOptions): Promise<WantedHook> {
  const [secret] = place.environment.GITHUB_WEBHOOK_SECRET
  if (secret === undefined) {
    const hint =
      'Run "signalbox init", or set it in .env to what "signalbox secret generate" prints; then start the server again.'
    throw new CliError('secret_unset', 'GITHUB_WEBHOOK_SECRET is not set, so webhooks could not be verified.', hint)
  }
  const url = addressOf(place, options)
  const [{ rules }, { config }] = await Promise.all([loadConfigured(cli, options), loadSettings(cli, options)])
  const endpoints = (config.endpoints ?? []).map(({ events = [] }) => ({ events }))
  return { url, secret, events: wantedEvents({ rules, endpoints }, place.kind) }
}

function addressOf({ environment }: OpenPlace, { publicUrl = environment.SIGNALBOX_PUBLIC_URL }: PlaceOptions): string {
  if (publicUrl !== undefined) return webhookUrl(publicUrl)
  const hint =
    'Set SIGNALBOX_PUBLIC_URL in .env, or name it with --public-url https://…; docs/tunnels.md has some for a laptop.'
  throw new CliError('public_url_unset', 'GitHub must know where to send webhooks.', hint)
}

type Found = { own: Hook | null; others: Hook[]; changes: string[] }

/** The webhook that posts here, or with `--replace` the one that is to be moved here. */
async function found(place: OpenPlace, wanted: WantedHook, { replace = false }: HookOptions): Promise<Found> {
  const all = await place.hooks.list()
  const here = all.filter(({ url }) => isSameAddress(url ?? undefined, wanted.url))
  const [own, ...others] = here
  if (own !== undefined) return { own, others, changes: differences(own, wanted) }
  const elsewhere = all.filter(({ url }) => url !== null && pathOf(url).endsWith(WEBHOOK_PATH))
  const [moved, ...more] = elsewhere
  if (moved === undefined) return { own: null, others: [], changes: [] }
  if (replace && more.length === 0) return { own: moved, others: [], changes: differences(moved, wanted) }
  const addresses = elsewhere.map(({ url }) => url).join(' and ')
  const hint = replace
    ? 'It is not clear which of them is meant: remove the others on GitHub, or by "signalbox github hook rm --public-url".'
    : 'Move it here with --replace. A second one would bring everything twice.'
  throw new CliError('hook_elsewhere', `A webhook of ${place.name} posts to ${addresses} already.`, hint)
}

function pathOf(url: string): string {
  const parts = URL.canParse(url) ? new URL(url).pathname.split('/').filter((part) => part !== '') : []
  return `/${parts.join('/')}`
}
