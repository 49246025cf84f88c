import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox } from '../../test/signalbox.ts'
import { defineAgent } from '../agents/agent.ts'

const greeter = defineAgent({
  name: 'greeter',
  description: 'Greets.',
  input: z.object({ greeting: z.string(), to: z.array(z.string()).min(1) }),
  run: async () => ({}),
})
const slowToCheck = defineAgent({
  name: 'slow-to-check',
  description: 'Has a schema that looks elsewhere.',
  input: z.unknown().refine(async () => false),
  run: async () => ({}),
})

const ACCEPTED = `status <> 'rejected'`

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({
    roles: { receiver: true, orchestrator: false },
    config: { agents: [greeter, slowToCheck] },
  })
})
afterAll(() => signalbox.close())

async function trigger(body?: unknown, headers: Record<string, string> = {}) {
  const response = await signalbox.api('/webhook/manual', {
    method: 'POST',
    headers,
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> & { jobs: string[] } }
}
async function jobsOf({ body }: { body: { jobs: string[] } }) {
  const { rows } = await signalbox.database.query(
    'select type, agent, rule, input from signalbox.jobs where id = any($1::uuid[])',
    [body.jobs],
  )
  return rows
}

test('a bare POST makes the ping that proves the orchestrator is alive', async () => {
  const answer = await trigger()
  expect(answer).toMatchObject({ status: 200, body: { event_type: 'manual', status: 'routed' } })
  expect(await jobsOf(answer)).toMatchObject([{ type: 'ping', agent: 'ping', rule: 'manual' }])
})

test('a job is made by name, with its payload', async () => {
  const answer = await trigger({ job_type: 'ping', payload: { note: 'schön 🚀' } })
  expect(await jobsOf(answer)).toMatchObject([{ type: 'ping', input: { note: 'schön 🚀' } }])
})

test('an input that the agent does not take is refused with every problem, and makes nothing', async () => {
  const before = await signalbox.count('signalbox.events', ACCEPTED)
  expect(await trigger({ job_type: 'greeter', payload: { greeting: 1, to: [] } })).toMatchObject({
    status: 422,
    body: {
      code: 'input_invalid',
      detail:
        'The input of agent "greeter" is not valid:\ngreeting: must be a string, not a number\nto: must have at least 1 item',
    },
  })
  expect(await signalbox.count('signalbox.events', ACCEPTED)).toBe(before)
})

test('an input is left to the job where the schema cannot be asked at once', async () => {
  const answer = await trigger({ job_type: 'slow-to-check', payload: { any: 'thing' } })
  expect(await jobsOf(answer)).toMatchObject([{ type: 'slow-to-check' }])
})

test('an unknown job is refused with those there are, and makes nothing', async () => {
  const before = await signalbox.count('signalbox.events', ACCEPTED)
  const answer = await trigger({ job_type: 'translate' })
  expect(answer).toMatchObject({
    status: 422,
    body: { code: 'job_type_unknown', detail: expect.stringMatching(/"translate"; known: .*ping/) },
  })
  expect(await signalbox.count('signalbox.events', ACCEPTED)).toBe(before)
})

describe('a job type in the address', () => {
  async function triggerAt(query: string, body?: unknown, headers = {}) {
    const response = await signalbox.api(`/webhook/manual?${query}`, {
      method: 'POST',
      headers,
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> & { jobs: string[] } }
  }

  test('is honoured, with the body as the payload', async () => {
    const payload = { greeting: 'Hello', to: ['you'] }
    expect(await jobsOf(await triggerAt('job_type=greeter', payload))).toMatchObject([
      { type: 'greeter', rule: 'manual', input: payload },
    ])
    const answer = await triggerAt('job_type=ping')
    expect(await jobsOf(answer)).toMatchObject([{ type: 'ping', input: {} }])
    const { rows } = await signalbox.database.query('select payload from webhook_events where id = $1', [
      answer.body.event_id,
    ])
    expect(rows).toEqual([{ payload: { job_type: 'ping' } }])
  })

  test.each([
    ['job_type=nonsense', undefined, 'job_type_unknown', 'There is no job type "nonsense"'],
    ['job_type=', undefined, 'input_invalid', 'job_type: must be 1 to 100 letters'],
    ['job_type=ping&job_type=greeter', undefined, 'input_invalid', 'job_type: is in the address more than once.'],
    ['job_type=ping&priority=1', undefined, 'input_invalid', '"priority" in the address is not read: only job_type is'],
    ['job_type=ping', { job_type: 'greeter' }, 'input_invalid', 'job_type: is in the address and in the body'],
    ['job_type=greeter', { greeting: 1 }, 'input_invalid', 'The input of agent "greeter" is not valid'],
  ])('%s is refused where it cannot be: %j', async (query, body, code, detail) => {
    expect(await triggerAt(query, body)).toMatchObject({
      status: 422,
      body: { code, detail: expect.stringContaining(detail) },
    })
  })

  test('counts when a key is used again', async () => {
    const key = { 'idempotency-key': 'in the address'.replaceAll(' ', '-') }
    const first = await triggerAt('job_type=ping', undefined, key)
    expect(await triggerAt('job_type=ping', undefined, key)).toMatchObject({
      status: 200,
      body: { duplicate: true, jobs: first.body.jobs },
    })
    expect(await triggerAt('job_type=slow-to-check', undefined, key)).toMatchObject({ status: 409 })
  })
})

test('only who has the token may trigger', async () => {
  const before = await signalbox.count('signalbox.jobs')
  for (const authorization of ['', 'Bearer wrong']) {
    expect(await trigger({ job_type: 'ping' }, { authorization })).toMatchObject({
      status: 401,
      body: { code: 'token_invalid' },
    })
  }
  expect(await signalbox.count('signalbox.jobs')).toBe(before)
})

test('a trigger repeated under its key makes nothing, and another one under it is refused', async () => {
  const key = { 'idempotency-key': 'once' }
  const first = await trigger({ job_type: 'ping', payload: { n: 1 } }, key)
  const before = await signalbox.count('signalbox.jobs')
  expect(await trigger({ job_type: 'ping', payload: { n: 1 } }, key)).toMatchObject({
    status: 200,
    body: { event_id: first.body.event_id, duplicate: true, jobs: first.body.jobs },
  })
  for (const other of [{ job_type: 'ping', payload: { n: 2 } }, undefined]) {
    expect(await trigger(other, key)).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: 'This Idempotency-Key was already used for a different trigger.' },
    })
  }
  expect(await signalbox.count('signalbox.jobs')).toBe(before)
})

test('in development a bare one needs no token, and there are not too many of those', async () => {
  const dev = await openTestSignalbox({ mode: 'dev', roles: { receiver: true, orchestrator: false } })
  const bare = () => fetch(`${dev.url}/webhook/manual`, { method: 'POST' })
  const answers = await Promise.all(Array.from({ length: 100 }, bare))
  const made = answers.filter(({ status }) => status === 200).length
  const refused = answers.filter(({ status }) => status === 429)
  expect(made).toBeGreaterThanOrEqual(20)
  expect(refused).toHaveLength(100 - made)
  expect(refused[0]?.headers.get('retry-after')).toBe('1')
  // What names a job is not bare.
  expect((await fetch(`${dev.url}/webhook/manual?job_type=ping`, { method: 'POST' })).status).toBe(401)
  expect((await dev.api('/webhook/manual', { method: 'POST' })).status).toBe(200)
  expect(await dev.count('signalbox.jobs')).toBe(made + 1)
  await dev.close()
})

test('every trigger is an event of its own', async () => {
  const [first, second] = [await trigger(), await trigger()]
  expect(first.body.event_id).not.toBe(second.body.event_id)
  expect(second.body).toMatchObject({ duplicate: false })
})
