// A signed webhook of Agenta's own product, as it sends the commit of an environment.
import { agentaHeaders, timedSignature } from '../fixtures/signed.ts'
import { SECRET, TOKEN } from '../keys.ts'

/** A commit: its id, its project, and what the event says of it. */
type AgentaCommit = { id: string; project: string; attributes: object }

/** An id like that one, with the number of a version at its end. */
export function idOf(id: string, version: number): string {
  return `${id.slice(0, -12)}${String(version).padStart(12, '0')}`
}

/** The request, to be sent to `/webhook/agenta`. */
export function commitRequest({ id, project, attributes }: AgentaCommit) {
  const body = Buffer.from(
    JSON.stringify({
      event: {
        event_id: id,
        event_type: 'environments.revisions.committed',
        timestamp: '2026-04-07T11:24:18.000Z',
        created_at: '2026-04-07T11:24:18.000Z',
        attributes,
      },
      subscription: { id: '01961234-aaaa-7abc-9def-123456789abc' },
      scope: { project_id: project },
    }),
  )
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = agentaHeaders(body, keys, {
    'x-agenta-signature': timedSignature()(body, keys),
    'x-agenta-event': undefined,
    'x-agenta-delivery': undefined,
  })
  return { method: 'POST', headers, body }
}
