// The address where more is to be read of an event.
import { isObject } from '../../lib/json.ts'
import { isOwn } from '../envelope.ts'
import type { ToPrepare } from '../kinds/kind.ts'

/** What an event of Signalbox is about, by the field that has its id. */
const OWN: readonly (readonly [field: string, path: string])[] = [
  ['deployment_id', 'deployments'],
  ['job_id', 'jobs'],
  ['failed_delivery_id', 'deliveries'],
  ['delivery_id', 'deliveries'],
]

/**
 * GitHub's own page for an event of GitHub's that has one; else what Signalbox itself says, where
 * its address from outside is known. Empty when there is neither.
 */
export function linkOf({ eventId, event, publicUrl }: ToPrepare, values: Record<string, unknown>): string {
  const data = part(values.data)
  const page = event.source === 'github' ? githubPage(part(data.payload)) : null
  if (page !== null) return page
  if (publicUrl === undefined) return ''
  // A test is about an example, which is stored nowhere.
  const isReal = isOwn(event) && data.test !== true
  const [field, path] = OWN.find(([name]) => isReal && typeof data[name] === 'string') ?? []
  const place = field === undefined ? `events/${eventId}` : `${path}/${data[field]}`
  return `${publicUrl.replace(/(?<!\/)\/+$/, '')}/api/${place}`
}

function githubPage(payload: Record<string, unknown>): string | null {
  const { pull_request, issue, release, compare } = payload
  const address = [pull_request, issue, release].map((one) => part(one).html_url).find(Boolean) ?? compare
  return typeof address === 'string' && URL.canParse(address) && new URL(address).protocol === 'https:' ? address : null
}

function part(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}
