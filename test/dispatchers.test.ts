// The promise of deliveries under force: processes that send are killed at random moments, and
// every delivery reaches its end, is sent again only where one was under way, and has all its
// attempts on record.
import { chmod } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from './chaos/journal.ts'
import { openNodes } from './chaos/nodes.ts'
import { openRandom } from './chaos/random.ts'
import { openTestDatabase } from './database.ts'
import { openTestFolder } from './folder.ts'
import { listenOnLoopback } from './loopback-server.ts'
import { TOKEN, until } from './signalbox.ts'

const KILLS = 8
const APPS = 25
const LEASE_MS = 2000
/** The endpoints, each notified of every deployment. */
const ENDPOINTS = [
  { name: 'first' },
  { name: 'second' },
  { name: 'paced', rate_per_second: 60 },
  { name: 'ordered', ordering: 'ordered' },
]

type Delivery = {
  id: string
  key: string
  group: string
  status: string
  attempt: number
  outcomes: string[]
  attempts: number[]
}

/** A receiver that knows each request by its endpoint and `webhook-id`. */
async function openReceiver(random: ReturnType<typeof openRandom>) {
  const seen: string[] = []
  const answered = new Map<string, number>()
  const underWay = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const key = `${request.url} ${request.headers['webhook-id']}`
    const status = random.chance(0.03) ? 500 : 200
    const answerMs = random.between(0, random.chance(0.2) ? 400 : 40)
    seen.push(key)
    const group = `${request.url} ${JSON.parse(Buffer.concat(await request.toArray()).toString()).data.app_name}`
    const now = (underWay.get(group) ?? 0) + 1
    underWay.set(group, now)
    if (now > 1) overlaps.push(group)
    response.once('close', () => underWay.set(group, (underWay.get(group) ?? 0) - 1))
    await wait(answerMs)
    if (status === 200 && !response.destroyed) answered.set(key, (answered.get(key) ?? 0) + 1)
    response.writeHead(status).end()
  })
  const overlaps: string[] = []
  const { port, close } = await listenOnLoopback(server)
  onTestFinished(close)
  return { url: `http://127.0.0.1:${port}`, seen, answered, overlaps }
}

test(`two processes that send, one of them killed ${KILLS} times: each delivery reaches its end, and is sent once, or again where its process was lost`, async () => {
  const number = Date.now() % 1_000_000
  const [random, pace] = [openRandom(number), openRandom(number + 1)]
  // Printed with whatever fails: it repeats the choices, though not what they meet.
  const say = `random ${number}`
  const receiver = await openReceiver(openRandom(number + 2))
  const database = await openTestDatabase()
  onTestFinished(() => database.close())
  const folder = await openTestFolder()
  await chmod(folder, 0o711)
  const journal = openJournal(join(folder, 'journal'))
  onTestFinished(() => journal.close())
  const nodes = await openNodes({
    folder,
    orchestrators: 2,
    leaseMs: LEASE_MS,
    log: journal,
    journal: join(folder, 'journal'),
    postgresUrl: database.url,
    github: { apiUrl: receiver.url, token: 'none' },
    subscriberUrl: `${receiver.url}/unused`,
  })
  onTestFinished(() => nodes.close())
  await nodes.ready()
  const [receiving, ...senders] = nodes.places
  const post = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const answer = await fetch(`${receiving?.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(answer.status, `${say}: ${await answer.text()}`).toBe(201)
  }
  for (const endpoint of ENDPOINTS) {
    await post('/api/endpoints', {
      url: `${receiver.url}/${endpoint.name}`,
      events: ['environment.deployed'],
      environments: null,
      schedule: [1, 1, 1, 1, 1],
      ...endpoint,
    })
  }

  let deployments = 0
  let killed = 0
  const deploying = async () => {
    while (killed < KILLS) {
      const names = { project_id: 'p', variant_name: 'v', environment: 'production', deployed_by: 'x' }
      await post('/api/deployments', { ...names, app_name: `app-${deployments % APPS}`, config: { n: deployments } })
      deployments++
      await wait(pace.between(5, 50))
    }
  }
  const killing = async () => {
    for (; killed < KILLS; killed++) {
      await wait(random.between(100, 900))
      const sender = random.pick(await until('one is ready', async () => ready(senders)))
      nodes.kill(sender)
      nodes.start(sender)
    }
  }
  await Promise.all([deploying(), killing()])

  const read = async <Row extends object>(text: string) => (await database.query<Row>(text)).rows
  await until(
    `every delivery has ended (${say})`,
    async () => (await read(`select from signalbox.deliveries where finished_at is null limit 1`)).length === 0,
    60_000,
  )
  expect(await nodes.stop(20_000), say).toEqual([])

  const deliveries = await read<Delivery>(
    `select d.id, '/' || p.name || ' ' || e.id as key, '/' || p.name || ' ' || (e.facts ->> 'app') as group, d.status, d.attempt,
       array_agg(a.outcome order by a.attempt) as outcomes, array_agg(a.attempt order by a.attempt) as attempts
     from signalbox.deliveries d join signalbox.events e on e.id = d.event_id join signalbox.endpoints p on p.id = d.endpoint_id
       join signalbox.delivery_attempts a on a.delivery_id = d.id
     group by d.id, e.id, p.id order by e.id`,
  )
  const isLost = (outcome: string) => outcome === 'lost'
  const wrong = deliveries.flatMap(({ id, key, status, attempt, outcomes, attempts }) => {
    const seen = receiver.seen.filter((one) => one === key).length
    const lost = outcomes.filter(isLost).length
    const isRight =
      status === 'succeeded' &&
      attempts.join() === Array.from({ length: attempt }, (_, i) => i + 1).join() &&
      outcomes.at(-1) === 'completed' &&
      outcomes.slice(0, -1).every((outcome) => ['lost', 'retried'].includes(outcome)) &&
      // A lost attempt may have been sent; every other one was.
      seen >= outcomes.length - lost &&
      seen <= outcomes.length &&
      (receiver.answered.get(key) ?? 0) <= 1 + lost
    return isRight ? [] : [{ id, key, status, attempt, outcomes, attempts, seen }]
  })
  expect(wrong, say).toEqual([])
  expect(deliveries, say).toHaveLength(deployments * ENDPOINTS.length)
  // Otherwise no kill has met anything, and this test shows nothing.
  expect(deliveries.flatMap(({ outcomes }) => outcomes).filter(isLost).length, say).toBeGreaterThan(0)
  expect(await read(`select from signalbox.deliveries where status = 'running' or owner is not null`), say).toEqual([])
  expect(receiver.overlaps, say).toEqual([])
  const arrived = [...new Set(receiver.seen)].filter((key) => key.startsWith('/ordered'))
  const groupOf = new Map(deliveries.map(({ key, group }) => [key, group]))
  const byGroup = (keys: readonly string[]) => Object.fromEntries(Map.groupBy(keys, (key) => groupOf.get(key) ?? ''))
  const recorded = deliveries.map(({ key }) => key).filter((key) => key.startsWith('/ordered'))
  expect(byGroup(arrived), say).toEqual(byGroup(recorded))
}, 150_000)

/** One of those that are ready, if any is. */
function ready<Place extends { isReady: boolean }>(places: readonly Place[]): Place[] | null {
  const found = places.filter(({ isReady }) => isReady)
  return found.length === 0 ? null : found
}
