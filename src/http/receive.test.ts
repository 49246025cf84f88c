// Receiving: what is refused before the body, what is remembered of a refusal, and what
// a sender is answered.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PUSH } from '../../test/fixtures/payloads.ts'
import { agentaHeaders, githubHeaders } from '../../test/fixtures/signed.ts'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN } from '../../test/signalbox.ts'

const rules = [
  { name: 'one', on: 'push', agent: 'ping' },
  { name: 'two', on: 'push', when: { branch: 'main' }, agent: 'ping' },
]

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { rules }, roles: { receiver: true, orchestrator: false } })
})
afterAll(() => signalbox.close())

const keys = { secret: SECRET, token: TOKEN, now: new Date() }

async function post(path: string, body: Buffer, headers: [string, string][]) {
  const response = await fetch(`${signalbox.url}${path}`, { method: 'POST', headers, body: new Uint8Array(body) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
function push(deliveryId: string, change: object = {}) {
  const body = Buffer.from(JSON.stringify({ ...PUSH, deliveryId, ...change }))
  return post('/webhook/github', body, githubHeaders(body, keys, { 'x-github-delivery': deliveryId }))
}
async function rejected(): Promise<{ source: string; reason: string; body: Buffer | null }[]> {
  const { rows } = await signalbox.database.query<{ source: string; reason: string; body: Buffer | null }>(
    `select source, reason, body from signalbox.events where status = 'rejected' order by received_at, id`,
  )
  return rows
}

describe('the answer to a webhook', () => {
  test('names the event and every job it made', async () => {
    const { status, body } = await push('made-two')
    expect(status).toBe(200)
    const jobs = body.jobs as string[]
    expect(body).toEqual({
      received: true,
      event_id: expect.any(String),
      event_type: 'push',
      duplicate: false,
      status: 'routed',
      job_created: jobs[0],
      jobs,
      message: '2 jobs created.',
    })
    expect(jobs).toHaveLength(2)
  })

  test('of one job says so, and of a repeat which job there is', async () => {
    const once = await push('made-one', { ref: 'refs/heads/topic' })
    expect(once.body).toMatchObject({ message: 'Job created.', duplicate: false })
    const again = await push('made-one', { ref: 'refs/heads/topic' })
    expect(again).toMatchObject({
      status: 200,
      body: {
        event_id: once.body.event_id,
        duplicate: true,
        jobs: once.body.jobs,
        job_created: once.body.job_created,
        message: 'This was recorded before.',
      },
    })
  })

  test('of an event that nothing follows from has the reason', async () => {
    const body = Buffer.from(JSON.stringify({ zen: 'Design for failure.' }))
    const headers = githubHeaders(body, keys, { 'x-github-event': 'ping', 'x-github-delivery': 'a-ping' })
    const answer = await post('/webhook/github', body, headers)
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'ignored', message: expect.stringMatching(/^ping: /) },
    })
  })
})

describe('a refusal', () => {
  test('is remembered with its reason, without the body', async () => {
    const before = (await rejected()).length
    const forged = Buffer.from('{"forged":true}')
    const headers = githubHeaders(Buffer.from('{}'), keys)
    expect((await post('/webhook/github', forged, headers)).status).toBe(401)
    const after = await rejected()
    expect(after).toHaveLength(before + 1)
    expect(after.at(-1)).toEqual({
      source: 'github',
      reason: expect.stringMatching(/^signature_invalid: /),
      body: null,
    })
  })

  test('of a source that does not exist is not', async () => {
    const before = await rejected()
    const answer = await post('/webhook/gitea', Buffer.from('{}'), [['content-type', 'application/json']])
    expect(answer).toMatchObject({ status: 404, body: { code: 'source_unknown' } })
    expect(await rejected()).toEqual(before)
  })

  test('does not take the place of the real delivery', async () => {
    const body = Buffer.from(JSON.stringify(PUSH))
    const forged = githubHeaders(Buffer.from('{}'), keys, { 'x-github-delivery': 'to-be-delivered' })
    expect((await post('/webhook/github', body, forged)).status).toBe(401)
    expect((await push('to-be-delivered')).body).toMatchObject({ duplicate: false, status: 'routed' })
  })
})

test('POST /webhook is for Agenta, whose address has no name in it', async () => {
  const payload = {
    event: 'environment.deployed',
    delivery_id: 'delivery_1',
    project_id: 'p',
    data: { app_name: 'bot', environment: 'production' },
  }
  const body = Buffer.from(JSON.stringify(payload))
  const answer = await post('/webhook', body, agentaHeaders(body, keys))
  expect(answer).toMatchObject({ status: 200, body: { event_type: 'environment.deployed' } })
  expect(await signalbox.count('signalbox.events', `source = 'agenta'`)).toBe(1)
})

test('a webhook is posted: anything else is answered with the method to use', async () => {
  for (const path of ['/webhook', '/webhook/github', '/webhook/manual']) {
    const response = await fetch(`${signalbox.url}${path}`, { method: 'GET' })
    expect([path, response.status, response.headers.get('allow')]).toEqual([path, 405, 'POST'])
  }
})

test('an unknown address says which one it was, and / is one of them', async () => {
  for (const path of ['/', '/nothing/here', `/${'x'.repeat(5000)}`]) {
    const response = await fetch(`${signalbox.url}${path}`)
    const { code, detail } = (await response.json()) as { code: string; detail: string }
    expect([response.status, code]).toEqual([404, 'not_found'])
    expect(detail).toBe(`There is nothing at GET ${path.slice(0, 200)}.`)
  }
})
