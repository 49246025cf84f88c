// What is deleted when it is old, and what is not.
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../lib/id.ts'
import type { Stage } from './fixtures/stage.ts'
import { openStage } from './fixtures/stage.ts'
import { KINDS } from './limits.ts'
import { prune, pruneBytes } from './prune.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.database.close())

function all(days: number) {
  return KINDS.map((kind) => ({ kind, days }))
}

describe('pruning', () => {
  it('deletes what is old with everything that belongs to it, and keeps what is young', async () => {
    const [old, young] = [await stage.event({ days: 200 }), await stage.event({ days: 100 })]
    const jobs = [await stage.job({ event: old, days: 200 }), await stage.job({ event: young, days: 100 })]
    const sent = [await stage.delivery({ event: old, days: 200 }), await stage.delivery({ event: young, days: 100 })]
    const { kinds, end } = await prune(all(180), stage.walking)
    expect(end).toBe('done')
    expect(Object.fromEntries(kinds.map(({ kind, rows }) => [kind, rows]))).toEqual({
      bodies: 1,
      logs: 1,
      attempts: 1,
      deliveries: 1,
      jobs: 1,
      refused: 0,
      events: 1,
      findings: 0,
    })
    for (const table of ['job_attempts', 'job_steps', 'job_log', 'job_model_calls', 'outputs', 'job_waits']) {
      expect([await stage.has(table, jobs[0]!, 'job_id'), await stage.has(table, jobs[1]!, 'job_id')]).toEqual([
        false,
        true,
      ])
    }
    for (const [table, ids] of [
      ['events', [old, young]],
      ['jobs', jobs],
      ['deliveries', sent],
    ] as const) {
      expect([await stage.has(table, ids[0]!), await stage.has(table, ids[1]!)]).toEqual([false, true])
    }
    expect(await stage.has('delivery_attempts', sent[1]!, 'delivery_id')).toBe(true)
  })

  it('only counts with dryRun, and counts the same', async () => {
    for (const days of [300, 200, 100]) {
      const event = await stage.event({ days })
      await stage.job({ event, days })
      await stage.delivery({ event, days })
    }
    const counts = ({ kinds }: Awaited<ReturnType<typeof prune>>) =>
      kinds.map(({ kind, rows, bytes }) => [kind, rows, bytes])
    const kinds = [...all(180)].filter(({ kind }) => kind !== 'events')
    const rest = () => Promise.reject(new Error('Counting rests.'))
    const counted = await prune(kinds, { ...stage.walking, dryRun: true, rest })
    expect(await stage.query('select from signalbox.job_log')).toHaveLength(3)
    expect(await stage.query('select from signalbox.retention')).toEqual([])
    // The bytes of jobs and deliveries have those of their logs and attempts, which go first.
    const rows = (each: unknown[]) => each.slice(0, 2)
    expect(counts(await prune(kinds, stage.walking)).map(rows)).toEqual(counts(counted).map(rows))
    expect(await stage.query('select from signalbox.job_log')).toHaveLength(1)
  })

  it('keeps the events, with their bodies, of jobs and deliveries that have not ended', async () => {
    const waiting = await stage.event({ days: 400 })
    await stage.job({ event: waiting, days: 400, status: 'waiting' })
    const pending = await stage.event({ days: 400 })
    await stage.delivery({ event: pending, days: 400, status: 'pending' })
    const answered = await stage.event({ days: 400 })
    const job = await stage.job({ days: 401, status: 'waiting' })
    await stage.query(`update signalbox.job_waits set event_id = $1 where job_id = $2`, [answered, job])
    await prune(all(180), stage.walking)
    for (const id of [waiting, pending, answered]) expect((await stage.bodyOf(id))?.body?.toString()).toBe('{"a":1}')
    expect(await stage.query('select from signalbox.jobs')).toHaveLength(2)
    expect(await stage.query('select from signalbox.deliveries')).toHaveLength(1)
  })

  it('deletes what was needed once it is needed no more', async () => {
    const event = await stage.event({ days: 400 })
    const job = await stage.job({ event, days: 400, status: 'waiting' })
    await stage.event({ days: 300 })
    await prune(all(180), stage.walking)
    expect((await stage.bodyOf(event))?.body).not.toBeNull()
    await stage.query(`update signalbox.jobs set status = 'completed', finished_at = $2 where id = $1`, [
      job,
      stage.clock.now(),
    ])
    await prune(all(180), stage.walking)
    expect(await stage.bodyOf(event)).toMatchObject({ body: null, at: stage.clock.now() })
    // The job ended only now, so it stays, and its event with it.
    expect(await stage.has('jobs', job)).toBe(true)
    stage.clock.advance(181 * 86_400_000)
    await prune(all(180), { ...stage.walking, at: stage.clock.now() })
    expect([await stage.has('jobs', job), await stage.has('events', event)]).toEqual([false, false])
  })

  it('keeps the event of what is live in an environment, with its body, and not of what was', async () => {
    const [first, live] = [await stage.event({ days: 400 }), await stage.event({ days: 300 })]
    for (const [sequence, event] of [first, live].entries()) {
      await stage.query(
        `insert into signalbox.deployments (id, project_id, app_name, variant_name, variant_id, environment, revision, config,
           config_sha256, config_diff, deployed_by, sequence, request_sha256, event_id)
         values ($1, 'p', 'a', 'v', 'v', 'production', 1, '{}', 'x', '{}', 'me', $2, 'x', $3)`,
        [newId(), sequence + 1, event],
      )
    }
    await prune(all(180), stage.walking)
    expect(await stage.has('events', first)).toBe(false)
    expect((await stage.bodyOf(live))?.body).not.toBeNull()
  })

  it('keeps an event as long as a job or a delivery of it', async () => {
    const event = await stage.event({ days: 200 })
    await stage.job({ event, days: 200, endedDays: 10 })
    const other = await stage.event({ days: 200 })
    await stage.delivery({ event: other, days: 200, endedDays: 10 })
    await prune(all(180), stage.walking)
    expect(await stage.bodyOf(event)).toMatchObject({ body: null })
    expect(await stage.bodyOf(other)).toMatchObject({ body: null })
  })

  it('deletes a delivery that was sent again long after the others of its time with its event', async () => {
    const event = await stage.event({ days: 300 })
    await prune([{ kind: 'deliveries', days: 180 }], stage.walking)
    await stage.event({ days: 250 })
    await prune([{ kind: 'deliveries', days: 180 }], stage.walking)
    await stage.delivery({ event, days: 300, endedDays: 200 })
    await prune(all(180), stage.walking)
    expect(await stage.has('events', event)).toBe(false)
  })

  it('deletes what a source translated with the body, and a packed body too', async () => {
    const event = await stage.event({ days: 50, payload: { a: 1 } })
    const packed = await stage.event({ days: 50, body: Buffer.from('b'.repeat(5000)) })
    await stage.query('update signalbox.events set packed = body, body = null where id = $1', [packed])
    await prune([{ kind: 'bodies', days: 30 }], stage.walking)
    expect(await stage.query('select from signalbox.events where payload is not null or packed is not null')).toEqual(
      [],
    )
    expect(await stage.bodyOf(event)).toEqual({ body: null, at: stage.clock.now() })
  })

  it('deletes refused requests by their own age', async () => {
    const old = await stage.event({ days: 20, status: 'rejected', body: null })
    const young = await stage.event({ days: 5, status: 'rejected', body: null })
    await prune(
      [
        { kind: 'refused', days: 10 },
        { kind: 'events', days: 10 },
      ],
      stage.walking,
    )
    expect([await stage.has('events', old), await stage.has('events', young)]).toEqual([false, true])
  })

  it('deletes old findings that nobody decided on, and what reviews have read', async () => {
    const ids: Record<string, string> = {}
    for (const status of ['open', 'outdated', 'resolved', 'dismissed']) {
      ids[status] = newId()
      await stage.query(
        `insert into signalbox.findings (id, repository, pull_request, fingerprint, reviewer, category, severity, confidence,
           cost, path, side, title, body, first_sha, last_sha, status, created_at, updated_at)
         values ($1, 'o/r', 1, $2::text, 'r', 'c', 'low', 1, 'low', 'p', 'RIGHT', 't', 'b', 's', 's', $2,
           '2025-01-01', '2025-01-01')`,
        [ids[status], status],
      )
    }
    for (const [n, time] of ['2025-01-01', '2025-01-01', '2026-05-30'].entries()) {
      await stage.query(
        `insert into signalbox.reviewed_files (repository, pull_request, key, found, created_at) values ('o/r', $1, 'k', '[]', $2)`,
        [n + 1, time],
      )
      await stage.query(
        `insert into signalbox.reviews (repository, pull_request, sha, reviewed_at) values ('o/r', $1, 's', $2)`,
        [n + 1, time],
      )
    }
    const wanted = [{ kind: 'findings', days: 180 }] as const
    expect((await prune(wanted, { ...stage.walking, dryRun: true })).kinds[0]?.rows).toBe(6)
    expect((await prune(wanted, stage.walking)).kinds[0]?.rows).toBe(6)
    expect(
      (await stage.query('select status from signalbox.findings order by 1')).map((row) => Object.values(row)[0]),
    ).toEqual(['dismissed', 'resolved'])
    expect(await stage.query('select from signalbox.reviewed_files')).toHaveLength(1)
    expect(await stage.query('select from signalbox.reviews')).toHaveLength(1)
  })

  it('counts large rows in few statements, and deletes a few of them at a time', async () => {
    for (let n = 0; n < 12; n++) await stage.job({ days: 200 + n / 100 })
    await stage.query(
      `insert into signalbox.job_log (job_id, attempt, at, line)
       select j.id, 1, j.created_at, repeat(md5(n::text), 10) from signalbox.jobs j, generate_series(1, 2000) n`,
    )
    const wanted = [{ kind: 'jobs', days: 180 }] as const
    const batches = async (dryRun: boolean) => {
      let count = 0
      const { kinds } = await prune(wanted, { ...stage.walking, dryRun, onBatch: () => count++ })
      return { count, rows: kinds[0]?.rows }
    }
    const counted = await batches(true)
    expect(counted.rows).toBe(12)
    expect(counted.count).toBeLessThan(3)
    const deleted = await batches(false)
    expect(deleted.rows).toBe(12)
    expect(deleted.count).toBeGreaterThan(3)
  })

  it('goes through many rows of one moment without passing any over', async () => {
    for (let n = 0; n < 300; n++) await stage.event({ days: 200 })
    let batches = 0
    await prune(all(180), { ...stage.walking, onBatch: () => batches++ })
    expect(await stage.query('select from signalbox.events')).toEqual([])
    expect(batches).toBeGreaterThan(10)
  })

  it('stops between two batches when it is aborted', async () => {
    for (let n = 0; n < 120; n++) await stage.event({ days: 200 })
    const stopping = new AbortController()
    const pruned = await prune(all(180), { ...stage.walking, signal: stopping.signal, onBatch: () => stopping.abort() })
    expect(pruned).toMatchObject({ end: 'stopped', kinds: [{ kind: 'bodies', rows: 30 }] })
  })

  it('leaves what was written to a forge', async () => {
    const job = await stage.job({ days: 500 })
    await stage.query(
      `insert into signalbox.writes (job_id, attempt, rule, agent, position, kind, repository, output_sha256, receipt, written_at)
       values ($1, 1, 'r', 'a', 0, 'comment', 'o/r', 'x', '{}', '2024-01-01')`,
      [job],
    )
    await prune(all(180), stage.walking)
    expect(await stage.has('jobs', job)).toBe(false)
    expect(await stage.query('select from signalbox.writes')).toHaveLength(1)
  })

  it('forgets the types of events that no job waits for any more', async () => {
    const job = await stage.job({ days: 10, status: 'waiting' })
    await stage.query(
      `insert into signalbox.awaited_types values ('push', '2026-05-01'), ('issues.*', '2026-05-01'), ('release', $1)`,
      [stage.clock.now()],
    )
    await stage.query(
      `update signalbox.job_waits set kind = 'event', wanted = '{"types":["push"]}', ended_at = null where job_id = $1`,
      [job],
    )
    await prune([], stage.walking)
    expect(await stage.query('select type from signalbox.awaited_types order by 1')).toEqual([
      { type: 'push' },
      { type: 'release' },
    ])
  })
})

describe('pruning by size', () => {
  it('deletes the oldest bodies until so many bytes have gone, but none that is needed', async () => {
    const ids: string[] = []
    for (const days of [9, 8, 7, 6]) ids.push(await stage.event({ days, body: randomBytes(3_000_000) }))
    await stage.job({ event: ids[0]!, days: 9, status: 'waiting' })
    const { rows, bytes } = await pruneBytes(4_000_000, stage.walking)
    expect([rows, bytes]).toEqual([2, 6_000_000])
    const left = await Promise.all(ids.map(async (id) => (await stage.bodyOf(id))?.body !== null))
    expect(left).toEqual([true, false, false, true])
  })
})
