// The views `agent_jobs` and `webhook_events` answer everyday queries, and accept everyday updates.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../src/lib/id.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const statements = readFileSync(new URL('fixtures/views.sql', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox()
})
afterAll(() => signalbox.close())

async function run(statement: string) {
  return (await signalbox.database.query(statement)).rows
}

test.each(statements)('runs as printed: %s', async (statement) => {
  await expect(run(statement)).resolves.toBeDefined()
})

describe('what they mean', () => {
  test('a job shows under the column names of `agent_jobs`', async () => {
    await signalbox.api('/webhook/manual', { method: 'POST', body: { job_type: 'ping', payload: {} } })
    const [job] = await until('the job has run', async () => {
      const rows = await run('SELECT * FROM agent_jobs ORDER BY created_at DESC LIMIT 10;')
      return rows[0]?.status === 'completed' && rows
    })
    expect(Object.keys(job ?? {})).toEqual(
      'id job_type payload priority status created_at started_at completed_at error assigned_agent'.split(' '),
    )
    expect(job).toMatchObject({ job_type: 'ping', assigned_agent: 'ping', priority: 5, error: null })
    expect(await run('SELECT status, COUNT(*) FROM agent_jobs GROUP BY status;')).toEqual([
      { status: 'completed', count: 1 },
    ])
  })

  test('the job of an event says what it is about: the event, its facts, and the input of its agent', async () => {
    const facts = { repository: 'acme/shop', sha: 'abc', number: 7, labels: ['agent-task'] }
    const [event, job] = [newId(), newId()]
    await signalbox.database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, facts) values ($1, 'github', 'd-1', 'push', 'routed', $2)`,
      [event, JSON.stringify(facts)],
    )
    await signalbox.database.query(
      `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status)
       values ($1, $2, 'r', 'github_push', 'nobody', '{"base":"main"}', 5, 5, 900000, 'cancelled')`,
      [job, event],
    )
    expect(
      await run(`SELECT payload->>'event' AS event, payload->>'repository' AS repository, payload->>'sha' AS sha,
        payload->'number' AS number, payload->'input' AS input FROM agent_jobs WHERE payload->>'repository' = 'acme/shop'`),
    ).toEqual([{ event: 'push', repository: 'acme/shop', sha: 'abc', number: 7, input: { base: 'main' } }])
    const [row] = await run(`SELECT payload FROM agent_jobs WHERE id = '${job}'`)
    const payload = { event: 'push', delivery_id: 'd-1', ...facts, input: { base: 'main' } }
    expect(row).toEqual({ payload })
    expect(await (await signalbox.api(`/api/jobs/${job}`)).json()).toMatchObject({ payload })
    const other = `UPDATE signalbox.jobs SET input = '{"base":"a\\u0000b"}' WHERE id = '${job}'`
    await run(other)
    expect(await run(`SELECT payload->'number' AS number FROM agent_jobs WHERE id = '${job}'`)).toEqual([
      { number: null },
    ])
    expect(await (await signalbox.api(`/api/jobs/${job}`)).json()).toMatchObject({
      payload: { event: 'push', ...facts, input: { base: 'a\u0000b' } },
    })
    await run(other.replace('a\\u0000b', 'main'))
    await run(`UPDATE signalbox.jobs SET event_id = NULL WHERE id = '${job}'`)
    expect(await run(`SELECT payload FROM agent_jobs WHERE id = '${job}'`)).toEqual([{ payload: { base: 'main' } }])
  })

  test('the job asked for by hand has exactly the payload that was given', async () => {
    const payload = { task: 'Update documentation', files: ['README.md'] }
    await signalbox.api('/webhook/manual', { method: 'POST', body: { job_type: 'ping', payload } })
    expect(await run(`SELECT payload FROM agent_jobs WHERE payload->>'task' = 'Update documentation'`)).toEqual([
      { payload },
    ])
  })

  test('an event shows under the column names of `webhook_events`, with a payload that SQL can look into', async () => {
    const [event] = await run(`SELECT * FROM webhook_events WHERE event_type = 'manual'`)
    expect(Object.keys(event ?? {})).toEqual('id source event_type payload processed received_at'.split(' '))
    expect(event).toMatchObject({ source: 'manual', processed: true, payload: { job_type: 'ping' } })
  })

  test('the heartbeat query finds the running orchestrator', async () => {
    const rows = await run(
      `SELECT * FROM webhook_events WHERE event_type = 'heartbeat' ORDER BY received_at DESC LIMIT 1;`,
    )
    expect(rows).toHaveLength(1)
    expect(Date.now() - Number(rows[0]?.received_at)).toBeLessThan(60_000)
  })

  test('ending stuck jobs ends them in full once nobody runs them: failed, with a time and an event', async () => {
    const id = newId()
    await signalbox.database.query(
      `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, attempt,
         owner, started_at, available_at)
       values ($1, 'r', 'stuck', 'stuck', '{}', 5, 5, 900000, 'running', 1, $2, now() - interval '2 hours', now() + interval '1 hour')`,
      [id, newId()],
    )
    const stuck = `status = 'running' AND started_at < NOW() - INTERVAL '1 hour'`
    expect(await run(`SELECT * FROM agent_jobs WHERE ${stuck};`)).toHaveLength(1)
    await run(`UPDATE agent_jobs SET status = 'failed', error = 'Job timeout' WHERE ${stuck};`)
    // Its worker may be alive: it is ended by that, or when its lease ends.
    const read = () => run(`select status, error, owner, ends_as, finished_at from signalbox.jobs where id = '${id}'`)
    expect(await read()).toMatchObject([{ status: 'running', ends_as: 'failed', error: 'Job timeout' }])
    await run(`update signalbox.jobs set available_at = now() where id = '${id}'`)
    await until('the job has ended', async () => (await read())[0]?.status === 'failed')
    expect(await read()).toMatchObject([{ error: 'Job timeout', owner: null, finished_at: expect.any(Date) }])
    const events = await run(`select from signalbox.events where type = 'job.failed' and cause_job_id = '${id}'`)
    expect(events).toHaveLength(1)
  })
})
