import { afterAll, beforeAll, expect, test } from 'vitest'
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
  const before = await signalbox.count('signalbox.events')
  expect(await trigger({ job_type: 'greeter', payload: { greeting: 1, to: [] } })).toMatchObject({
    status: 422,
    body: {
      code: 'input_invalid',
      detail:
        'The input of agent "greeter" is not valid:\ngreeting: must be a string, not a number\nto: must have at least 1 item',
    },
  })
  expect(await signalbox.count('signalbox.events')).toBe(before)
})

test('an input is left to the job where the schema cannot be asked at once', async () => {
  const answer = await trigger({ job_type: 'slow-to-check', payload: { any: 'thing' } })
  expect(await jobsOf(answer)).toMatchObject([{ type: 'slow-to-check' }])
})

test('an unknown job is refused with those there are, and makes nothing', async () => {
  const before = await signalbox.count('signalbox.events')
  const answer = await trigger({ job_type: 'code-review' })
  expect(answer).toMatchObject({
    status: 422,
    body: { code: 'job_type_unknown', detail: expect.stringMatching(/"code-review"; known: .*ping/) },
  })
  expect(await signalbox.count('signalbox.events')).toBe(before)
})

test('a job type in the address is refused, and not taken for a bare trigger', async () => {
  const response = await signalbox.api('/webhook/manual?job_type=nonsense', { method: 'POST' })
  expect(response.status).toBe(422)
  expect(await response.json()).toMatchObject({
    code: 'input_invalid',
    detail: expect.stringMatching(/^"job_type" in the address is not read: send/),
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
  expect((await dev.api('/webhook/manual', { method: 'POST' })).status).toBe(200)
  expect(await dev.count('signalbox.jobs')).toBe(made + 1)
  await dev.close()
})

test('every trigger is an event of its own', async () => {
  const [first, second] = [await trigger(), await trigger()]
  expect(first.body.event_id).not.toBe(second.body.event_id)
  expect(second.body).toMatchObject({ duplicate: false })
})
