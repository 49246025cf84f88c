// Signed webhooks at the times they are due, each repeated until it is acknowledged.
import { setTimeout as wait } from 'node:timers/promises'
import { githubHeaders } from '../fixtures/signed.ts'
import { SECRET, TOKEN } from '../keys.ts'
import type { Kind } from './agents.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** A webhook to send. */
export type Webhook = { delivery: string; kind: Kind; group: string; sha: string; workMs: number; dueMs: number }

/** What became of the webhooks. `refused` counts the first attempts that were not acknowledged. */
export type Sent = { acknowledged: Set<string>; refused: Map<string, number> }

// As long as GitHub waits for an answer.
const ANSWER_MS = 10_000
const AGAIN_MS = 100

/** Makes up the webhooks of a run: groups and kinds at random, at even times. */
export function webhooksOf(
  stage: Stage,
  random: Random,
  { jobs, overMs }: { jobs: number; overMs: number },
): Webhook[] {
  const groups = Math.max(4, Math.round(jobs / 12))
  return Array.from({ length: jobs }, (_, i) => ({
    delivery: `delivery-${i}`,
    kind: kindOf(random),
    group: `group-${Math.floor(random.between(0, groups))}`,
    sha: stage.commits[i % stage.commits.length] ?? '',
    // Some work for longer than a lease, so that it has to be renewed.
    workMs: random.chance(0.04) ? random.between(1, 2) * stage.leaseMs : random.between(10, 200),
    dueMs: (overMs / jobs) * i,
  }))
}

function kindOf(random: Random): Kind {
  if (random.chance(0.06)) return 'program'
  return random.chance(0.07) ? 'pull-request' : 'comment'
}

/** Sends them all; resolves when every one is acknowledged. */
export async function sendAll(stage: Stage, webhooks: readonly Webhook[]): Promise<Sent> {
  const sent: Sent = { acknowledged: new Set(), refused: new Map() }
  const begun = performance.now()
  await Promise.all(
    webhooks.map(async (webhook) => {
      await wait(Math.max(0, webhook.dueMs - (performance.now() - begun)))
      for (let first = true; ; first = false) {
        const answer = await send(stage, webhook)
        if (answer === 'acknowledged') break
        if (first) sent.refused.set(answer, (sent.refused.get(answer) ?? 0) + 1)
        await wait(AGAIN_MS)
      }
      sent.acknowledged.add(webhook.delivery)
    }),
  )
  return sent
}

async function send(stage: Stage, { delivery, kind, group, sha, workMs }: Webhook): Promise<string> {
  const receiver = stage.nodes.places.find(({ role }) => role === 'receiver')
  if (!receiver?.url) return 'no receiver'
  const payload = {
    ref: `refs/heads/${group}`,
    after: sha,
    pusher: { name: kind },
    repository: { full_name: stage.repository.fullName },
    work_ms: Math.round(workMs),
    delivery,
  }
  const body = Buffer.from(JSON.stringify(payload))
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = githubHeaders(body, keys, { 'x-github-delivery': delivery })
  try {
    const request = { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) }
    const response = await fetch(`${receiver.url}/webhook/github`, request)
    await response.arrayBuffer()
    return response.ok ? 'acknowledged' : `answer ${response.status}`
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'no answer' : 'no connection'
  }
}
