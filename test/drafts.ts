// Events about to be recorded, for tests of what comes after.
import type { Draft } from '../src/events/event.ts'
import { newId } from '../src/lib/id.ts'

/** A push to `main`, with changes. */
export function draft(change: Partial<Draft> = {}): Draft {
  return {
    id: newId(),
    source: 'github',
    deliveryId: newId(),
    type: 'push',
    subject: 'acme/shop@main',
    actor: 'octocat',
    facts: { repository: 'acme/shop', branch: 'main' },
    body: Buffer.from('{"ref":"refs/heads/main"}'),
    payload: null,
    contentType: 'application/json',
    headers: { 'user-agent': 'GitHub-Hookshot/1' },
    depth: 0,
    causeJobId: null,
    ...change,
  }
}
