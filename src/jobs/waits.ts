// What the attempts of a job wait for: remembered by its name, and gone behind by a later attempt.
import type { Event } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import { GiveUp, Waiting } from '../lib/error.ts'
import type { Output } from '../publisher/output.ts'
import type { JudgeAnswersParts } from './answers.ts'
import { isStillWaiting, judgeAnswers } from './answers.ts'
import type { Approval, ApprovalOptions } from './approval.ts'
import { readApproval } from './approval.ts'
import type { ApprovedOutputs } from './approved.ts'
import { approvedOutputs } from './approved.ts'
import type { AttemptRef } from './fence.ts'
import { insist } from './fence.ts'
import type { NewWait, Wait } from './wait-rows.ts'
import { beginWait, endWait, readWaits } from './wait-rows.ts'
import type { WaitOptions } from './wanted.ts'
import { readOptions, readWait, timeout } from './wanted.ts'

/** An event that was waited for. */
export type AwaitedEvent = Pick<Event, 'id' | 'source' | 'type' | 'subject' | 'actor' | 'facts' | 'receivedAt'> & {
  payload: unknown
}
/** What the waits of an attempt need. */
export type WaitParts = JudgeAnswersParts & {
  parseOutputs(outputs: unknown): readonly Output[]
  /** Takes secrets out of what people are shown. */
  redact(text: string): string
}

/** The waits of one attempt. */
export type WaitStore = {
  /** Ends the attempt until a time, or for so many milliseconds. */
  sleep(name: string, until: number | Date): Promise<void>
  /** Ends the attempt until such an event; returns it, or null when the time is up. */
  waitFor(name: string, options: WaitOptions): Promise<AwaitedEvent | null>
  /** Ends the attempt until somebody has approved, or until it is known that nobody will. */
  approval(name: string, options: ApprovalOptions): Promise<Approval>
  /** @throws Waiting when what woke the job leaves it waiting: its agent need not run for that. */
  requireNews(): Promise<void>
  /** What was approved so far. */
  approved: ApprovedOutputs
  /** What this attempt has found that it must wait for. */
  open(): readonly Wait[]
}

/**
 * Opens the waits of a job's attempt.
 * @throws Waiting out of each of them, when there is something to wait for.
 */
export async function openWaitStore(
  ref: AttemptRef,
  { event, ...parts }: WaitParts & { event: Pick<Event, 'id' | 'facts'> | null },
): Promise<WaitStore> {
  const { database, clock, stop, loadEvent, payloadOf } = parts
  const judged = ref.attempt === 1 ? 0 : await judgeAnswers(parts, ref)
  const waits = ref.attempt === 1 ? [] : await readWaits(database, clock, ref.id)
  const known = new Map(waits.map((one) => [one.name, one]))
  const approved = approvedOutputs()
  const used = new Set<string>()
  const open: Wait[] = []
  const own: Facts = event?.facts ?? {}

  /** @throws Waiting */
  async function enter(wait: NewWait): Promise<Wait> {
    stop.throwIfAborted()
    if (used.has(wait.name))
      throw new GiveUp(`The agent waits twice under the name "${wait.name}"; names are unique within a job.`)
    used.add(wait.name)
    const found = known.get(wait.name) ?? (await insist(stop, () => beginWait(parts, ref, { wait, event })))
    if (found.kind !== wait.kind)
      throw new GiveUp(`The agent has waited under the name "${wait.name}" for something else.`)
    if (found.hasEnded) return found
    if (found.isOver) return insist(stop, () => endWait(database, clock, ref, wait.name))
    open.push(found)
    throw new Waiting(`It waits for "${wait.name}" until ${found.until.toISOString()}.`)
  }

  return {
    async sleep(name, until) {
      if (until instanceof Date && Number.isNaN(until.getTime()))
        throw new GiveUp(`"${name}" sleeps until no valid date.`)
      const end = until instanceof Date ? { at: until } : { ms: readOptions(timeout, until, 'sleep') }
      await enter({ name, kind: 'sleep', until: end })
    },
    async waitFor(name, options) {
      const { wanted, place, timeoutMs } = readWait(options, own)
      const { eventId } = await enter({ name, kind: 'event', until: { ms: timeoutMs }, wanted, place })
      const found = eventId === null ? null : await insist(stop, () => loadEvent(eventId))
      if (found === null) return null
      const { id, source, type, subject, actor, facts, receivedAt } = found
      return { id, source, type, subject, actor, facts, receivedAt, payload: payloadOf(found) }
    },
    async approval(name, options) {
      const { asked, timeoutMs, ...where } = readApproval(options, own, parts)
      const before = known.get(name)
      if (before?.kind === 'approval' && before.approval?.outputs_sha256 !== asked.outputs_sha256) {
        return { approved: false, how: 'changed', by: null, reason: null, at: clock.now().toISOString() }
      }
      const wait = await enter({ name, kind: 'approval', until: { ms: timeoutMs }, approval: asked, ...where })
      const timedOut = {
        approved: false,
        how: 'timeout',
        by: null,
        reason: null,
        at: wait.until.toISOString(),
      } as const
      const result = (wait.result as Approval | null) ?? timedOut
      if (result.approved && asked.outputs !== null) approved.add(name, asked.outputs)
      return result
    },
    async requireNews() {
      if (judged === 0 || !(await isStillWaiting(database, ref))) return
      const left = waits.filter(({ hasEnded }) => !hasEnded)
      if (left.length === 0 || left.some(({ isOver }) => isOver)) return
      open.push(...left)
      throw new Waiting('What woke it changes nothing.')
    },
    approved,
    open: () => open,
  }
}
