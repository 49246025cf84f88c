// The part of the demo about deliveries: a receiver breaks, people are notified, and once it is
// mended it gets what it missed.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DeliveryDetail } from '@signalbox/sdk'
import { BOT_TOKEN, openFakeTelegram } from '../../src/deliveries/fixtures/fake-telegram.ts'
import type { Answer } from '../receiver-node/receiver.ts'
import { receiver } from '../receiver-node/receiver.ts'
import { note, say, until } from './narrate.ts'
import type { Stage } from './stage.ts'
import { APP, quote, run } from './stage.ts'

// With two attempts each, as many failures as make Signalbox leave an endpoint alone for a while.
const DEPLOYMENTS = 5
const SHOP_SECRET = `whsec_${randomBytes(32).toString('base64')}`

/** A receiver that is broken at first, and a strict fake of Telegram. */
export type Receivers = {
  shop: Awaited<ReturnType<typeof openShop>>
  telegram: Awaited<ReturnType<typeof openFakeTelegram>>
}

/** Opens both. */
export async function openReceivers(): Promise<Receivers & { close(): Promise<unknown> }> {
  const [shop, telegram] = await Promise.all([openShop(), openFakeTelegram()])
  return { shop, telegram, close: () => Promise.all([shop.close(), telegram.close()]) }
}

/**
 * Shows the attempts that fail, what people are notified of, and what follows when the receiver
 * is mended.
 */
export async function outage(stage: Stage, { shop, telegram }: Receivers): Promise<void> {
  note('\n7. A receiver breaks, people are notified, and it misses nothing')
  const before = telegram.messages.length
  const id = await addEndpoints(stage, { shop: shop.url, telegram: telegram.url })
  const deployed = await deployToStaging(stage)
  say(`${deployed.length} deployments to staging, but shop answers 503`)
  const messages = (count: number) => async () => {
    const since = telegram.messages.slice(before).map(({ text }) => text)
    return since.length >= count && since
  }
  const alerts = await until('people are notified of the failures', messages(2))
  showAttempts(await deliveryOf(stage, id, deployed[0]))
  say('what people read in Telegram:')
  // Which of the two comes first is not certain.
  quote(alerts.map(headline).toSorted().join('\n'))

  shop.mend(SHOP_SECRET)
  say('shop is mended, and gets what it missed')
  await run(stage, `signalbox endpoints recover ${id} --since 1m`)
  await until('shop has them all', async () => shop.accepted.size === DEPLOYMENTS)
  say(`shop has verified and accepted ${shop.accepted.size}; in Telegram:`)
  const all = await until('people are notified of the recovery', messages(3))
  quote(...all.slice(2).map(headline))
}

/** A receiver that answers 503 until it is mended; then it is the example, with this secret. */
async function openShop() {
  const accepted = new Set<string>()
  let answer = async (_request: IncomingMessage): Promise<Answer> => ({ status: 503, text: 'the database is down' })
  const server = createServer(async (request, response) => {
    const { status, text } = await answer(request)
    response.writeHead(status).end(text)
    request.resume()
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    accepted,
    mend(secret: string) {
      answer = receiver({ secrets: [secret], work: ({ id }) => void accepted.add(id) })
    },
    close: () => new Promise<void>((closed) => server.close(() => closed()).closeAllConnections()),
  }
}

/** Adds both, and returns the id of the shop's. */
async function addEndpoints(stage: Stage, urls: { shop: string; telegram: string }): Promise<string> {
  const env = { ...stage.env, TELEGRAM_BOT_TOKEN: BOT_TOKEN, TELEGRAM_URL: urls.telegram, SHOP_SECRET }
  await run(
    { ...stage, env },
    `echo "$TELEGRAM_BOT_TOKEN" | signalbox endpoints add --kind telegram --name alerts --url "$TELEGRAM_URL" \\
    --settings '{"chat_id": 12345}' --credential - --events 'endpoint.*' delivery.exhausted`,
    { isShown: false },
  )
  await run(
    { ...stage, env },
    `echo "$SHOP_SECRET" | signalbox endpoints add --name shop --url ${urls.shop} --secret - \\
    --environments staging --schedule 1`,
    { isShown: false },
  )
  const { items } = await stage.box.endpoints.list({})
  return items.find(({ name }) => name === 'shop')?.id ?? ''
}

/** Deploys several revisions, and returns the ids of their events. */
async function deployToStaging({ box }: Stage): Promise<string[]> {
  const events: string[] = []
  for (let revision = 1; revision <= DEPLOYMENTS; revision++) {
    const deployment = { project_id: 'project_abc', app_name: APP, variant_name: 'v3', environment: 'staging' }
    const config = { temperature: revision / 10 }
    events.push((await box.deploy({ ...deployment, config, deployed_by: 'jane@company.com' })).event_id)
  }
  return events
}

async function deliveryOf({ box }: Stage, endpointId: string, eventId: string | undefined): Promise<DeliveryDetail> {
  const { items } = await box.deliveries.list({ endpoint_id: endpointId, event_id: eventId })
  return box.deliveries.get(items[0]?.id ?? '')
}

function showAttempts({ id, attempts, status }: DeliveryDetail): void {
  say(`delivery ${id} ${status}:`)
  for (const { attempt, outcome, status_code, duration_ms, response } of attempts)
    say(`  attempt ${attempt} ${outcome}: ${status_code} "${response}" after ${duration_ms} ms`)
}

function headline(message: string): string {
  return message.split('\n', 1)[0] ?? ''
}
