// What Agenta sends today, from the source that receives it to the handler of an endpoint.
import { openFakeGithub } from '@signalbox/fake-github'
import { createHandler } from '@signalbox/handler'
import { afterAll, expect, test } from 'vitest'
import { endpoint, event, prepare } from '../src/deliveries/fixtures/to-prepare.ts'
import type { Destination } from '../src/deliveries/kinds/kind.ts'
import { agenta } from '../src/sources/agenta/agenta.ts'
import { AGENTA_DEPLOYMENT } from './fixtures/payloads.ts'
import { agentaHeaders, timedSignature } from './fixtures/signed.ts'

const SECRET = 'the-secret-of-the-handler'
const fake = await openFakeGithub()
const token = fake.addToken({ login: 'acme' })
const keys = { secret: 'the-secret-of-agenta-itself', token: '', now: new Date() }
const source = agenta({ secrets: [keys.secret] })
afterAll(() => fake.close())

const STYLES = [
  { format: 'envelope', signatures: ['standard', 'agenta'] },
  { format: 'envelope', signatures: ['agenta'] },
  { format: 'raw', signatures: ['standard', 'agenta'] },
  { format: 'raw', signatures: ['standard'] },
  { format: 'raw', signatures: ['agenta'] },
] as const satisfies Pick<Destination, 'format' | 'signatures'>[]

/** The request that an endpoint gets for what Agenta sent. */
function relayed(sent: unknown, style: Pick<Destination, 'format' | 'signatures'>): Request {
  const body = Buffer.from(JSON.stringify(sent))
  const headers = new Headers(agentaHeaders(body, keys, { 'x-agenta-signature': timedSignature()(body, keys) }))
  const opened = source.open(headers)
  source.verify(opened, body, keys.now)
  const { type, deliveryId, subject, actor, facts, payload = null } = source.normalise(opened, body)
  const kept = source.keptHeaders.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : []))
  const about = {
    source: 'agenta',
    type,
    deliveryId,
    subject,
    actor,
    facts,
    payload,
    body,
    headers: Object.fromEntries(kept),
  }
  const to = endpoint('webhook', { url: 'http://handler/webhook' }, { secrets: [SECRET], ...style })
  const prepared = prepare(to, event({}, about), { at: new Date() })
  if (prepared.by !== 'http') throw new Error('there is no request')
  return new Request(prepared.url, { method: 'POST', headers: prepared.headers, body: Buffer.from(prepared.body) })
}

async function openHandler(name: string) {
  const repo = await fake.addRepository({ owner: 'acme', name, files: { 'README.md': 'x\n' } })
  const lines: string[] = []
  const github = { token, repository: repo.fullName, apiUrl: fake.apiUrl }
  return { repo, lines, handle: createHandler({ secret: SECRET, github, log: (line) => lines.push(line) }) }
}

test.each(STYLES)('a deployment that Agenta reports today opens its pull request once relayed: %j', async (style) => {
  const { repo, lines, handle } = await openHandler(`shop-${STYLES.indexOf(style)}`)
  const response = await handle(relayed(AGENTA_DEPLOYMENT, style))
  const branch = 'agenta/deploy-customer-support-bot-environment-revision-8'
  expect(await response.json()).toMatchObject({ received: true, pr_created: true, branch })
  expect(lines[0]).toBe('📨 Received event: environment.deployed')
  expect(await repo.pulls()).toMatchObject([{ title: '🤖 Deploy customer-support-bot to production' }])
})

test('an event that the handler does not know is logged by its name, whichever form it comes in', async () => {
  const { lines, handle } = await openHandler('other')
  const event_type = 'webhooks.subscriptions.tested'
  for (const style of STYLES) {
    const response = await handle(relayed({ event: { event_id: 'e1', event_type } }, style))
    expect(await response.json()).toEqual({ received: true })
  }
  const names = lines.filter((line) => line.startsWith('📨'))
  expect(names).toEqual([
    ...Array(2).fill(`📨 Received event: agenta.${event_type}`),
    ...Array(3).fill(`📨 Received event: ${event_type}`),
  ])
})
