import { describe, expect, it } from 'vitest'
import type { Sql } from '../db/database.ts'
import type { Draft, Recorded } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Cause } from './finished.ts'
import { finishedJobEvent, recordFinished } from './finished.ts'
import type { Finished, Job } from './job.ts'

const clock = fakeClock()
const tx: Sql = { query: async () => ({ rows: [], rowCount: 0 }) }

function job(change: Partial<Job> = {}): Job {
  return {
    id: newId(),
    type: 'review',
    rule: 'on-push',
    agent: 'reviewer',
    policy: null,
    attempt: 3,
    createdAt: clock.now(),
    eventId: null,
    ...change,
  }
}

describe('the event of a job’s end', () => {
  it('says which job ended and how, and what it returned', () => {
    const ended = job()
    const draft = finishedJobEvent({ job: ended, outcome: 'completed', result: { ok: true } }, null, clock.now())
    expect(draft).toMatchObject({
      source: 'signalbox',
      type: 'job.completed',
      deliveryId: `job_${ended.id}_3`,
      subject: null,
      actor: 'reviewer',
      facts: {},
      payload: null,
      depth: 1,
      causeJobId: ended.id,
    })
    expect(JSON.parse(String(Buffer.from(draft.body ?? [])))).toEqual({
      event: 'job.completed',
      timestamp: '2026-01-01T00:00:00.000Z',
      delivery_id: `job_${ended.id}_3`,
      data: {
        job_id: ended.id,
        job_type: 'review',
        rule: 'on-push',
        agent: 'reviewer',
        attempt: 3,
        event_id: null,
        subject: null,
        result: { ok: true },
      },
    })
  })

  it('says why a job failed, and null for a result that is undefined', () => {
    const dataOf = (finished: Finished) =>
      JSON.parse(String(Buffer.from(finishedJobEvent(finished, null, clock.now()).body ?? []))).data
    expect(dataOf({ job: job(), outcome: 'failed', error: 'no' })).toMatchObject({ error: 'no' })
    expect(dataOf({ job: job(), outcome: 'failed', error: 'no' })).not.toHaveProperty('result')
    expect(dataOf({ job: job(), outcome: 'completed', result: undefined })).toMatchObject({ result: null })
  })

  it('passes on subject and facts of the event that made the job, one deeper', () => {
    const cause: Cause = { depth: 2, subject: 'acme/shop#7', facts: { repository: 'acme/shop', number: 7 } }
    expect(finishedJobEvent({ job: job(), outcome: 'failed', error: 'no' }, cause, clock.now())).toMatchObject({
      depth: 3,
      subject: 'acme/shop#7',
      facts: { repository: 'acme/shop', number: 7 },
    })
  })
})

it('passes on who began the chain, and gives no command again', () => {
  const factsOf = (facts: Facts) => {
    const cause: Cause = { depth: 0, subject: null, facts }
    return finishedJobEvent({ job: job(), outcome: 'completed', result: 1 }, cause, clock.now()).facts
  }
  const said = { command: 'deploy', arguments: ['staging'], sender: 'jane', senderType: 'User' }
  expect(factsOf(said)).toEqual({ sender: 'jane', senderType: 'User', originator: 'jane' })
  const own: Facts = { sender: 'signalbox[bot]', senderType: 'Bot', self: true, originator: 'jane' }
  expect(factsOf(own)).toEqual({ sender: 'jane', originator: 'jane' })
})

describe('recording the ends of jobs', () => {
  function recorder(status: Recorded['status'], causes = new Map<string, Cause>()) {
    const asked: (readonly string[])[] = []
    const recorded: Draft[] = []
    const onFinished = recordFinished({
      clock,
      async causesOf(_tx, ids) {
        asked.push(ids)
        return causes
      },
      async recordIn(_tx, drafts) {
        recorded.push(...drafts)
        return drafts.map(({ id }) => ({ id, duplicate: false, status, reason: null, jobIds: [] }))
      },
      noteWithRules: async () => [],
    })
    return { asked, recorded, onFinished }
  }

  it('records one event each, with the causes of all of them read at once', async () => {
    const [first, second] = [newId(), newId()]
    const causes = new Map([[second, { depth: 5, subject: 's', facts: {} }]])
    const { asked, recorded, onFinished } = recorder('ignored', causes)
    const finished: Finished[] = [
      { job: job({ eventId: first }), outcome: 'completed', result: 1 },
      { job: job({ eventId: second }), outcome: 'failed', error: 'no' },
      { job: job(), outcome: 'failed', error: 'no' },
    ]
    await onFinished(tx, finished)
    expect(asked).toEqual([[first, second]])
    expect(recorded.map(({ type, depth }) => [type, depth])).toEqual([
      ['job.completed', 1],
      ['job.failed', 6],
      ['job.failed', 1],
    ])
  })

  it('reads no causes for jobs that have none', async () => {
    const { asked, onFinished } = recorder('ignored')
    await onFinished(tx, [{ job: job(), outcome: 'completed', result: 1 }])
    expect(asked).toEqual([])
  })

  it('says whether it made work for others', async () => {
    const finished: Finished[] = [{ job: job(), outcome: 'completed', result: 1 }]
    expect(await recorder('routed').onFinished(tx, finished)).toBe(true)
    expect(await recorder('ignored').onFinished(tx, finished)).toBe(false)
  })
})
