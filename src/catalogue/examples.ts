// An example of every known type of event, as a receiver gets it.
import type { Json, OwnEventType, SignalboxEvent } from '@signalbox/sdk'
import { envelopeOf } from '../deliveries/envelope.ts'
import type { Draft } from '../events/event.ts'
import { GITHUB_EVENT_OF } from '../sources/github/event-types.ts'
import { readGithub } from '../sources/github/github.ts'
import { commonSample, githubSample } from '../sources/github/samples.ts'
import { OWN_EXAMPLES } from './own-types.ts'

/** An example: what is sent, and what rules and endpoints would match on. */
export type Example = Pick<Draft, 'subject' | 'actor' | 'facts'> & { envelope: SignalboxEvent }

const SAMPLE = { repository: 'acme/app', branch: 'main', label: 'bug' }
const PROJECT = 'project_abc'

/** The example of a type; null for one that is not known. */
export function exampleOf(type: string, { at, deliveryId }: { at: Date; deliveryId: string }): Example | null {
  if (isOwnType(type)) return ownExample(type, { at, deliveryId })
  const github = GITHUB_EVENT_OF.get(type)
  if (github === undefined) return null
  const { event, action } = github
  const sample = githubSample(event, { ...SAMPLE, action }, at) ?? commonSample({ ...SAMPLE, action })
  const payload = sample as { [key: string]: Json }
  const { subject, actor, facts } = readGithub(event, payload)
  const body = Buffer.from(JSON.stringify(payload))
  const sender = { source: 'github', contentType: 'application/json', headers: {}, receivedAt: at }
  const recorded = { ...sender, type, deliveryId, subject, actor, facts, body, payload: null }
  const sent = envelopeOf(recorded, () => payload)
  return sent && { subject, actor, facts, envelope: JSON.parse(Buffer.from(sent.body).toString()) }
}

/** Whether events of a type are this program's own. */
export function isOwnType(type: string): type is OwnEventType {
  return Object.hasOwn(OWN_EXAMPLES, type)
}

function ownExample(type: OwnEventType, { at, deliveryId }: { at: Date; deliveryId: string }): Example {
  const data = OWN_EXAMPLES[type]
  const envelope = { event: type, timestamp: at.toISOString(), delivery_id: deliveryId }
  if (!('config_diff' in data)) {
    const subject = 'subject' in data ? data.subject : null
    return { subject, actor: null, facts: {}, envelope: { ...envelope, data } }
  }
  const { app_name: app, environment } = data
  const about = { subject: `${app}@${environment}`, envelope: { ...envelope, project_id: PROJECT, data } }
  const facts = { app, environment, project: PROJECT }
  if ('variant_name' in data) {
    const { deployed_by: author } = data
    return { ...about, actor: author, facts: { ...facts, author } }
  }
  const { repository, branch } = data
  return { ...about, actor: null, facts: { ...facts, repository, branch } }
}
