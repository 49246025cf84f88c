// An event as a webhook of GitHub becomes one.
import { randomUUID } from 'node:crypto'
import type { NewEvent } from '../../src/events/event.ts'
import { newId } from '../../src/lib/id.ts'

/** An event with this body, by which nothing followed. */
export function eventWith(body: Buffer): NewEvent {
  return {
    id: newId(),
    source: 'github',
    deliveryId: randomUUID(),
    type: 'push',
    subject: 'Codertocat/Hello-World@main',
    actor: 'Codertocat',
    facts: { repository: 'Codertocat/Hello-World', branch: 'main', author: 'Codertocat' },
    body,
    payload: null,
    contentType: 'application/json',
    headers: {
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${'0'.repeat(64)}`,
    },
    depth: 0,
    causeJobId: null,
    status: 'ignored',
    reason: 'no rule matches',
    jobs: [],
    deliveries: [],
  }
}
