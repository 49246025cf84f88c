// Webhooks and their deliveries as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Account, Delivery, Hook, Repository } from '../state.ts'
import { repositoryUrl } from './repositories.ts'

/** A webhook's settings; the secret is never shown. */
export function hookConfigShape(hook: Hook) {
  return {
    content_type: hook.contentType,
    insecure_ssl: hook.insecureSsl,
    ...(hook.secret && { secret: '********' }),
    url: hook.url,
  }
}

/** A repository's webhook. */
export function hookShape(hub: Hub, repo: Repository, hook: Hook) {
  const url = `${repositoryUrl(hub, repo)}/hooks/${hook.id}`
  return { type: 'Repository', ...settingsShape(hook, url), test_url: `${url}/test`, last_response: hook.lastResponse }
}

/** An organisation's webhook. */
export function organizationHookShape(hub: Hub, org: Account, hook: Hook) {
  return { type: 'Organization', ...settingsShape(hook, `${hub.apiUrl}/orgs/${org.login}/hooks/${hook.id}`) }
}

function settingsShape(hook: Hook, url: string) {
  return {
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: hook.events,
    config: hookConfigShape(hook),
    updated_at: isoTime(hook.updatedAtMs),
    created_at: isoTime(hook.createdAtMs),
    url,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
  }
}

/** A delivery as it stands in a list. */
export function deliveryListShape(delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: isoTime(delivery.deliveredAtMs),
    redelivery: delivery.redelivery,
    duration: delivery.durationMs / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  }
}

/** A delivery with what was sent and what came back. */
export function deliveryShape(delivery: Delivery) {
  return {
    ...deliveryListShape(delivery),
    url: delivery.hook.url,
    request: { headers: delivery.request.headers, payload: delivery.request.payload },
    response: delivery.response,
  }
}
