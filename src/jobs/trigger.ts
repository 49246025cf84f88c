// What must be known of a job's trigger before its first attempt: whether those who caused it may,
// and the commit that a comment on a pull request was about.

import type { Event } from '../events/event.ts'
import type { ReadForge } from '../forges/forge.ts'
import { Skipped } from '../lib/error.ts'
import { isObject } from '../lib/json.ts'
import type { JobRow, Step } from './job.ts'
import type { AskPermission } from './permission.ts'
import { requirePermission } from './permission.ts'

type Parts = {
  forge: ReadForge | null
  permitted?: AskPermission
  overCeiling?: () => ReturnType<AskCeiling>
  payloadOf: (event: Event) => unknown
}

/** Why there are too many jobs of a rule for this one to begin; null when there are not. */
export type AskCeiling = (job: { id: string; rule: string; ceilingSubject: string | null }) => Promise<string | null>

/** A pull request's head when its job began. */
type Head = { sha: string; fromFork: boolean }

/**
 * The event as the agent gets it. What the forge said is a step: later attempts do not ask again,
 * so that a job is for one commit, and is not taken from somebody while it runs.
 * @throws Skipped when those who caused the job may not, or there are too many; RetryAt when the
 * forge cannot be asked.
 */
export async function triggerOf(
  { permitted, overCeiling, ...parts }: Parts,
  { who }: Pick<JobRow, 'who'>,
  { event, step }: { event: Event | null; step: Step },
): Promise<Event | null> {
  const tooMany = await overCeiling?.()
  if (tooMany != null) throw new Skipped(`skipped: ${tooMany}`)
  if (who !== null && who !== undefined) {
    await step('signalbox:permission', () => requirePermission(permitted, who))
  }
  if (event === null) return null
  const { forge } = parts
  const { repository, number, isPullRequest, sha } = event.facts
  if (forge === null || !isPullRequest || sha !== undefined || repository === undefined || number === undefined) {
    return event
  }
  const head = await step('signalbox:head', () => headOf({ ...parts, forge }, event, { repository, number }))
  // One that is not there any more could have been from a fork.
  if (who?.refusesForks && (head === null || head.fromFork)) {
    throw new Skipped("skipped: the pull request is from a fork, which the rule's who.forks does not allow")
  }
  return head === null ? event : { ...event, facts: { ...event.facts, ...head } }
}

/**
 * The head of a pull request, whose commit is not in an event of a comment on it. A fork's author
 * could move it right after somebody asked for it, so what was pushed since is not taken.
 */
async function headOf(
  { forge, payloadOf }: Parts & { forge: ReadForge },
  event: Event,
  { repository, number }: { repository: string; number: number },
): Promise<Head | null> {
  const found = await forge.pullRequestHead(repository, number)
  if (found === null) return null
  const { sha, fromFork, pushedAt } = found
  const askedAt = writtenAt(payloadOf(event)) ?? event.receivedAt
  if (fromFork && (pushedAt === null || pushedAt > askedAt)) {
    throw new Skipped('skipped: the fork was pushed to after the comment; look at it and comment again')
  }
  return { sha, fromFork }
}

function writtenAt(payload: unknown): Date | null {
  if (!isObject(payload) || !isObject(payload.comment)) return null
  const at = new Date(String(payload.comment.created_at))
  return Number.isNaN(at.getTime()) ? null : at
}
