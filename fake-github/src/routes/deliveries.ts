// What the delivery lists of repositories and Apps have in common.
import { notFound } from '../github-error.ts'
import type { Call, Reply } from '../route.ts'
import { json, numberParam } from '../route.ts'
import { deliveryListShape } from '../shapes/hooks.ts'
import type { Delivery, Hook } from '../state.ts'

const KEPT_MS = 3 * 24 * 60 * 60_000

/** A hook's deliveries, newest first, one page at a time by cursor. */
export function pageDeliveries({ hub, query, requestUrl }: Call, hook: Hook): Reply {
  const size = Math.min(Number(query.get('per_page') ?? 30) || 30, 100)
  const status = query.get('status')
  const all = hub.state.deliveries
    .filter((delivery) => delivery.hook === hook && isKept(hub, delivery))
    .filter((delivery) => !status || (status === 'success') === succeeded(delivery))
    .sort((a, b) => b.id - a.id)
  const cursor = Number((query.get('cursor') ?? '').replace(/^v1_/, '')) || Number.POSITIVE_INFINITY
  const rest = all.filter((delivery) => delivery.id <= cursor)
  const next = rest[size]
  const headers: Record<string, string> = {}
  if (next) {
    const url = new URL(requestUrl)
    url.searchParams.set('cursor', `v1_${next.id}`)
    headers.link = `<${url}>; rel="next"`
  }
  return json(rest.slice(0, size).map(deliveryListShape), 200, headers)
}

/** GitHub lists deliveries for three days. */
function isKept(hub: Call['hub'], { deliveredAtMs }: Delivery): boolean {
  return hub.clock() - deliveredAtMs < KEPT_MS
}

function succeeded({ statusCode }: Delivery): boolean {
  return statusCode >= 200 && statusCode < 400
}

/** The delivery of the path; 404 when the hook never made it. */
export function findDelivery(call: Call, hook: Hook): Delivery {
  const id = numberParam(call, 'delivery_id')
  const delivery = call.hub.state.deliveries.find((each) => each.id === id && each.hook === hook)
  if (!delivery || !isKept(call.hub, delivery)) throw notFound()
  return delivery
}
