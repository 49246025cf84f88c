// Signed webhooks at the times they are due, doubled, late and out of order, each repeated until it
// is acknowledged: GitHub itself repeats nothing, so this is the person who has it redelivered.
import { setTimeout as wait } from 'node:timers/promises'
import { githubHeaders } from '../fixtures/signed.ts'
import { SECRET, TOKEN } from '../keys.ts'
import type { Pusher } from './agents.ts'
import { JOBS_AFTER_ISSUE, jobsAfter } from './agents.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** A push to send. `again` is how it arrives more than once. */
type Push = {
  delivery: string
  dueMs: number
  pusher: Pusher
  group: string
  /** What its comments are about. */
  about: number
  workMs: number
  again: 'at once' | 'late' | 'by another id' | null
  lateMs: number
}
/** An issue that a person opens at the fake GitHub, which sends the webhook itself. */
type Opened = { delivery: string; dueMs: number; trouble: 'duplicate' | 'delay' | 'drop' | null; lateMs: number }

/** The webhooks of a run. */
export type Webhooks = { pushes: Push[]; issues: Opened[] }

// As long as GitHub waits for an answer.
const ANSWER_MS = 10_000
const AGAIN_MS = { first: 500, most: 4000 }
const LOOK_AGAIN_MS = 500
// As many as a receiver answers in ten seconds on a busy machine: with more, all are too late.
const AT_ONCE = 48
const MOST_LATE_MS = 3000
const COMMIT = 'c'.repeat(40)

/** Makes up the webhooks of a run: kinds, groups and troubles at random, almost in their order. */
export function webhooksOf(
  stage: Stage,
  random: Random,
  { webhooks, overMs }: { webhooks: number; overMs: number },
): Webhooks {
  const groups = Math.max(4, Math.round(webhooks / 12))
  const pushes: Push[] = []
  const issues: Opened[] = []
  for (let i = 0; i < webhooks; i++) {
    const delivery = `delivery-${i}`
    const inOrderMs = (overMs / webhooks) * i
    const dueMs = random.chance(0.05) ? inOrderMs + random.between(0, MOST_LATE_MS) : inOrderMs
    const lateMs = random.between(0, MOST_LATE_MS)
    if (random.chance(0.03)) {
      const trouble = random.chance(0.5) ? random.pick(['duplicate', 'delay', 'drop'] as const) : null
      issues.push({ delivery, dueMs, trouble, lateMs })
      continue
    }
    pushes.push({
      delivery,
      dueMs,
      lateMs,
      pusher: pusherOf(random),
      group: `group-${Math.floor(random.between(0, groups))}`,
      about: stage.issues[i % stage.issues.length] ?? 0,
      // Some work for longer than a lease, so that it has to be renewed.
      workMs: random.chance(0.02) ? random.between(1, 2) * stage.leaseMs : random.between(10, 100),
      again: random.chance(0.08) ? random.pick(['at once', 'late', 'by another id'] as const) : null,
    })
  }
  return { pushes, issues }
}

function pusherOf(random: Random): Pusher {
  const at = random.between(0, 100)
  if (at < 40) return 'comment'
  if (at < 80) return 'quiet'
  if (at < 94) return 'nobody'
  if (at < 96) return 'pull-request'
  return at < 98 ? 'both' : 'program'
}

/** Sends them all; resolves when every one is acknowledged. */
export async function sendAll(stage: Stage, { pushes, issues }: Webhooks): Promise<void> {
  const begun = performance.now()
  const due = ({ dueMs }: { dueMs: number }) => wait(Math.max(0, dueMs - (performance.now() - begun)))
  await Promise.all([
    ...pushes.map(async (push) => {
      await due(push)
      await sendPush(stage, push)
    }),
    ...issues.map(async (issue) => {
      await due(issue)
      await openIssue(stage, issue)
    }),
    redeliver(stage, issues),
  ])
}

const oneOfFew = gateFor(AT_ONCE)

/** What sending needs of a run. */
type Target = Pick<Stage, 'log' | 'url' | 'github' | 'repository'>

/** Sends a push until it is acknowledged, as often as it is to arrive. */
export async function sendPush(stage: Target, push: Push): Promise<void> {
  const { delivery, pusher, again, lateMs } = push
  stage.log.write({ what: 'webhook', delivery, jobs: jobsAfter(pusher) })
  const first = insist(stage, push, delivery)
  if (again === 'at once') await insist(stage, push, delivery)
  await first
  if (again === 'late') await wait(lateMs).then(() => insist(stage, push, delivery))
  // GitHub does not sign the id of a delivery: whoever has seen one may send it again by another.
  if (again === 'by another id') await insist(stage, push, `${delivery}-again`)
}

async function insist(stage: Target, push: Push, guid: string): Promise<void> {
  // Not all at once again: a receiver that has just come back has others to answer.
  for (let pauseMs = AGAIN_MS.first; !(await oneOfFew(() => send(stage, push, guid))); pauseMs *= 2) {
    await wait(Math.min(pauseMs, AGAIN_MS.most) * (0.5 + Math.random()))
  }
}

/** A gate that lets so many through at once. */
function gateFor(atOnce: number) {
  let free = atOnce
  const waiting: (() => void)[] = []
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }
}

async function send(stage: Target, push: Push, guid: string): Promise<boolean> {
  const { delivery, pusher, group, about, workMs } = push
  const payload = {
    ref: `refs/heads/${group}`,
    after: COMMIT,
    about,
    pusher: { name: pusher },
    repository: { full_name: stage.repository.fullName },
    work_ms: Math.round(workMs),
    delivery,
  }
  const body = Buffer.from(JSON.stringify(payload))
  const headers = githubHeaders(body, { secret: SECRET, token: TOKEN, now: new Date() }, { 'x-github-delivery': guid })
  const noAnswer = { what: 'answer', delivery, guid, status: null, event: null } as const
  try {
    const request = { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) }
    const response = await fetch(`${stage.url}/webhook/github`, request)
    const text = await response.text()
    const event = response.ok ? (JSON.parse(text) as { event_id: string }).event_id : null
    stage.log.write({ ...noAnswer, status: response.status, event })
    return response.ok
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'TimeoutError'
    stage.log.write({ ...noAnswer, error: isLate ? 'no answer' : 'no connection' })
    return false
  }
}

/** Opens an issue at the fake GitHub, which sends its webhook. */
export async function openIssue(
  { log, github, repository }: Target,
  { delivery, trouble, lateMs }: Opened,
): Promise<void> {
  log.write({ what: 'webhook', delivery, jobs: JOBS_AFTER_ISSUE })
  if (trouble !== null) github.faults.addWebhook({ event: 'issues', kind: trouble, delayMs: lateMs })
  await repository.openIssue({ title: delivery }, 'somebody')
}

/** Has GitHub send again what was not acknowledged, until everything is. */
async function redeliver({ github, repository, token }: Stage, issues: readonly Opened[]): Promise<void> {
  const asked = new Set<number>()
  for (;;) {
    const sent = github.deliveries.filter(({ event }) => event === 'issues')
    const arrived = new Set(sent.flatMap(({ guid, statusCode }) => (statusCode < 300 ? [guid] : [])))
    if (arrived.size >= issues.length) return
    for (const { id, hook } of sent.filter(({ id, guid }) => !arrived.has(guid) && !asked.has(id))) {
      asked.add(id)
      const path = `/repos/${repository.fullName}/hooks/${hook.id}/deliveries/${id}/attempts`
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${github.apiUrl}${path}`, { method: 'POST', headers }).catch(() => null)
      // GitHub is away too.
      if (!answer?.ok) asked.delete(id)
    }
    await wait(LOOK_AGAIN_MS)
  }
}
