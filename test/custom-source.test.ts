// A user's own source, written with what `signalbox` exports: from the request to the job's agent.
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json } from '../src/index.ts'
import {
  AppError,
  defineAgent,
  defineConfig,
  defineSource,
  parseJsonObject,
  requireDigest,
  requireHeader,
  z,
} from '../src/index.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

/** A payment provider: `X-Bank-Signature: <seconds>:<base64>` over `<seconds>.<body>`. */
const bank = defineSource({
  name: 'bank',
  secrets: [SECRET],
  keptHeaders: ['content-type', 'x-bank-id', 'x-bank-signature'],
  open(headers) {
    const [seconds = '', signature = ''] = requireHeader(headers, 'X-Bank-Signature').split(':')
    return { id: requireHeader(headers, 'X-Bank-Id'), seconds, signature }
  },
  verify({ seconds, signature }, rawBody, now) {
    if (!(Math.abs(now.getTime() / 1000 - Number(seconds)) < 300)) throw new AppError('signature_invalid')
    requireDigest([SECRET], { prefix: `${seconds}.`, encoding: 'base64', candidates: [signature] }, rawBody)
  },
  normalise({ id }, rawBody) {
    const { kind, account, cents } = parseJsonObject(rawBody)
    return {
      type: String(kind),
      deliveryId: id,
      subject: `account ${account}`,
      actor: null,
      facts: { project: String(account) },
      payload: { amount: Number(cents) / 100 },
    }
  },
})

const seen: { type: string | undefined; payload: unknown }[] = []
const config = defineConfig({
  sources: [bank],
  agents: [
    defineAgent({
      name: 'booker',
      description: 'Books payments.',
      input: z.unknown(),
      run: async ({ event, payload }) => {
        seen.push({ type: event?.type, payload })
        return {}
      },
    }),
  ],
  rules: [{ name: 'book', on: 'bank.*', source: 'bank', agent: 'booker' }],
})

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config })
})
afterAll(() => signalbox.close())

function post(value: Json, id: string, change: Record<string, string> = {}) {
  const body = JSON.stringify(value)
  const seconds = String(Math.floor(Date.now() / 1000))
  const digest = createHmac('sha256', SECRET).update(`${seconds}.`).update(body).digest('base64')
  const headers = { 'content-type': 'application/json', 'x-bank-id': id, 'x-bank-signature': `${seconds}:${digest}` }
  return fetch(`${signalbox.url}/webhook/bank`, { method: 'POST', headers: { ...headers, ...change }, body })
}

test('a signed request becomes an event under its name, and its agent gets what the source made of it', async () => {
  const response = await post({ kind: 'payment.settled', account: 7, cents: 1250 }, 'p1')
  expect(response.status).toBe(200)
  const answer = (await response.json()) as { event_id: string; event_type: string; jobs: string[] }
  expect(answer).toMatchObject({ event_type: 'bank.payment.settled', duplicate: false, status: 'routed' })
  expect(answer.jobs).toHaveLength(1)
  await until('the agent has run', async () => seen.length === 1)
  expect(seen).toEqual([{ type: 'bank.payment.settled', payload: { amount: 12.5 } }])
  const event = await (await signalbox.api(`/api/events/${answer.event_id}`)).json()
  expect(event).toMatchObject({ source: 'bank', subject: 'account 7', payload: { amount: 12.5 } })
  expect(await (await post({ kind: 'payment.settled', account: 7, cents: 1250 }, 'p1')).json()).toMatchObject({
    event_id: answer.event_id,
    duplicate: true,
  })
})

test('it cannot pass for another: what it calls a push or a deployment stays its own', async () => {
  for (const kind of ['push', 'environment.deployed', 'job.completed']) {
    const answer = (await (await post({ kind, account: 8, cents: 0 }, kind)).json()) as { event_type: string }
    expect(answer.event_type).toBe(`bank.${kind}`)
  }
})

test('what it refuses is the answer to the sender', async () => {
  const codeOf = async (change: Record<string, string>) => {
    const response = await post({ kind: 'x', account: 1, cents: 1 }, 'p2', change)
    return [response.status, ((await response.json()) as { code: string }).code]
  }
  expect(await codeOf({ 'x-bank-signature': '' })).toEqual([400, 'header_missing'])
  expect(await codeOf({ 'x-bank-signature': '1:AAAA' })).toEqual([401, 'signature_invalid'])
  expect(await codeOf({ 'x-bank-signature': `${Math.floor(Date.now() / 1000)}:AAAA` })).toEqual([
    401,
    'signature_invalid',
  ])
})

test('it is listed with the others, without its secret', async () => {
  const text = await (
    await fetch(`${signalbox.url}/api/sources`, { headers: { authorization: `Bearer ${TOKEN}` } })
  ).text()
  expect(text).toContain('"/webhook/bank"')
  expect(text).not.toContain(SECRET)
})
