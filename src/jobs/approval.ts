// An approval that a job waits for: what it is for, and whether an answer to it counts.
import { z } from 'zod'
import type { Sql } from '../db/database.ts'
import type { Draft, Event } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import type { ReadForge } from '../forges/forge.ts'
import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Json } from '../lib/json.ts'
import { canonicalSha256, isObject } from '../lib/json.ts'
import type { Output } from '../publisher/output.ts'
import type { Standing, Who } from '../rules/who.ts'
import type { PayloadOf } from './early-event.ts'
import type { AskPermission } from './permission.ts'
import type { Place, Wanted } from './wanted.ts'
import { COMMAND, readOptions, timeout } from './wanted.ts'

/** What an approval is asked for: `outputs` are those that the agent will return if it gets it. */
export type ApprovalOptions = {
  /** Who may give it. Default: whoever may write to the repository. */
  who?: Who | 'anyone'
  reason: string
  timeoutMs?: number
  outputs?: readonly Output[]
}

/**
 * What came of it. `timeout`: nobody answered in time; `moved`: the pull request's head is another
 * one; `changed`: the agent now asks for other outputs.
 */
export type Approval = {
  approved: boolean
  how: 'comment' | 'review' | 'api' | 'timeout' | 'moved' | 'changed'
  by: string | null
  reason: string | null
  at: string
}

/** What is stored of the question. */
export type Asked = {
  reason: string
  who: Who | 'anyone'
  /** The pull request's head, which it is for. */
  sha: string | null
  outputs: readonly Output[] | null
  outputs_sha256: string | null
}

/** What decides who may answer. */
export type Approvers = {
  who: z.ZodType<Who | 'anyone'>
  standing(who: Who | 'anyone', event: Pick<Event, 'type' | 'source' | 'facts'>): Standing
}

/** The question, read from what an agent gave, and where its answers are looked for. */
export function readApproval(
  given: unknown,
  own: Facts,
  parts: { approvers: Approvers; parseOutputs(outputs: unknown): readonly Output[]; redact(text: string): string },
): { asked: Asked; wanted: Wanted | undefined; place: Place | undefined; timeoutMs: number } {
  const schema = z.strictObject({
    who: parts.approvers.who.default({ permission: 'write' }),
    reason: z.string().min(1).max(2000),
    timeoutMs: timeout,
    outputs: z.array(z.unknown()).optional(),
  })
  const { who, reason, timeoutMs, outputs } = readOptions(schema, given, 'approval')
  const parsed = outputs === undefined ? null : parts.parseOutputs(outputs)
  const { repository, number, sha, isPullRequest } = own
  const isSomewhere = repository !== undefined && number !== undefined
  return {
    asked: {
      reason: parts.redact(reason),
      who,
      sha: isPullRequest === true ? (sha ?? null) : null,
      outputs: parsed,
      outputs_sha256: parsed === null ? null : hashOf(parsed),
    },
    // Without an issue or pull request it can be given by the API alone.
    wanted: isSomewhere ? { types: [...ANSWERS], sources: null, facts: null, payload: null } : undefined,
    place: isSomewhere ? { repository, number } : undefined,
    timeoutMs,
  }
}

const SYNCHRONIZE = 'pull_request.synchronize'
const REVIEW = 'pull_request_review.submitted'
const ANSWERS = [COMMAND, REVIEW, SYNCHRONIZE] as const

/** The hash that an approval is bound to. */
export function hashOf(outputs: readonly Output[]): string {
  return canonicalSha256(JSON.parse(JSON.stringify(outputs)) as Json)
}

/** An answer to an approval. */
export type Answer = {
  id: string
  name: string
  eventId: string | null
  decision: 'approve' | 'reject' | 'moved'
  by: string | null
  via: 'comment' | 'review' | 'push' | 'api'
  reason: string | null
  at: Date
}

/** What an event answers; null when it is no answer. */
export function answerIn(
  event: Pick<Draft, 'type' | 'facts' | 'actor'>,
  payload: unknown,
): Pick<Answer, 'decision' | 'via' | 'by' | 'reason'> | null {
  const { command, sender, arguments: words = [] } = event.facts
  const by = sender ?? event.actor
  if (event.type === SYNCHRONIZE) return { decision: 'moved', via: 'push', by, reason: null }
  if (command === 'approve' || command === 'reject') {
    return { decision: command, via: 'comment', by, reason: words.join(' ') || null }
  }
  const review = reviewOf(payload)
  return event.type === REVIEW && review?.state === 'approved'
    ? { decision: 'approve', via: 'review', by, reason: null }
    : null
}

function reviewOf(payload: unknown): Record<string, unknown> | null {
  return isObject(payload) && isObject(payload.review) ? payload.review : null
}

/** Stores answers, or why they came too late. */
export async function storeAnswers(
  sql: Sql,
  clock: Clock,
  answers: readonly (Omit<Answer, 'id' | 'at'> & { jobId: string; refusal?: string | null })[],
): Promise<void> {
  if (answers.length === 0) return
  await sql.query(
    `insert into signalbox.job_answers (id, job_id, name, event_id, decision, given_by, via, reason, at, refusal, judged_at)
     select id, job_id, name, event_id, decision, given_by, via, reason, at, refusal, case when refusal is not null then at end
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
       as answer (id, job_id, name, event_id, decision, given_by, via, reason, refusal),
     lateral (select coalesce($1::timestamptz, now()) as at) as now
     on conflict do nothing`,
    [
      clock.sqlNow(),
      answers.map(() => newId()),
      ...(['jobId', 'name', 'eventId', 'decision', 'by', 'via', 'reason'] as const).map((key) =>
        answers.map((answer) => answer[key]),
      ),
      answers.map(({ refusal }) => refusal ?? null),
    ],
  )
}

/** What an approval came to, in a sentence. */
export function endedText(result: Approval | null, until: Date): string {
  if (result === null) return `its time was up at ${until.toISOString()}`
  const { approved, how, by, at } = result
  if (how === 'moved') return `the pull request's head had moved at ${at}`
  return `it was ${approved ? 'approved' : 'rejected'}${by === null ? '' : ` by ${by}`} at ${at}`
}

export type JudgeParts = {
  approvers: Approvers
  forge: ReadForge | null
  permitted?: AskPermission | undefined
  loadEvent: (id: string) => Promise<Event | null>
  payloadOf: PayloadOf
}

/** Whether an answer counts: what the approval comes to by it, or why it does not. */
export type Verdict = { result: Approval } | { refusal: string }

/**
 * Decides about one answer. The forge says who may, and what the pull request's head is now.
 * @throws RetryAt or AppError when the forge gave no answer.
 */
export async function judge(
  { forge, ...parts }: JudgeParts,
  { asked, place }: { asked: Asked; place: Place },
  answer: Answer,
): Promise<Verdict> {
  const { eventId, decision, via, by, reason } = answer
  const event = eventId === null ? null : await parts.loadEvent(eventId)
  const at = answer.at.toISOString()
  const moved = { result: { approved: false, how: 'moved', by: null, reason: null, at } } as const
  if (asked.sha !== null) {
    const head = await headNow(forge, place)
    if (head !== null && head !== asked.sha) return moved
    if (decision === 'moved') {
      const isMoved = head === null && event?.facts.sha !== undefined && event.facts.sha !== asked.sha
      return isMoved ? moved : { refusal: 'the head is the one that the approval is for' }
    }
  }
  if (decision === 'moved') return { refusal: 'the approval is for no commit' }
  const refusal = event === null ? null : await refusalOf(parts, asked, event)
  if (refusal !== null) return { refusal }
  const how = via === 'push' ? 'api' : via
  return { result: { approved: decision === 'approve', how, by, reason, at } }
}

async function headNow(forge: ReadForge | null, { repository, number }: Place): Promise<string | null> {
  if (forge === null || repository === null || number === null) return null
  return (await forge.pullRequestHead(repository, number))?.sha ?? null
}

async function refusalOf(
  { approvers, permitted, payloadOf }: Omit<JudgeParts, 'forge' | 'loadEvent'>,
  { who, sha }: Asked,
  event: Event,
): Promise<string | null> {
  // An agent must not approve what it asked for itself.
  if (event.facts.self === true) return 'Signalbox wrote it'
  const commit = reviewOf(payloadOf(event))?.commit_id
  if (sha !== null && event.type === REVIEW && commit !== sha)
    return `the review is of ${String(commit)}, and not of ${sha}`
  // What is from a fork is what is asked about: its origin says nothing of who answers.
  const standing = approvers.standing(who === 'anyone' ? who : { ...who, forks: 'always' }, event)
  if ('refusal' in standing) return standing.refusal
  if (standing.question === null) return null
  return permitted === undefined ? 'nobody can be asked who may' : permitted(standing.question)
}
