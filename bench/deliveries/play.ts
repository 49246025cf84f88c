// The measured side of deliveries: a checkout's sender, or its sending alone (`raw`).
import { setTimeout as wait } from 'node:timers/promises'
import { smallPushOf } from '../ingest/payload.ts'
import { openDatabase, openSender, openSending } from '../internals.ts'
import { answerWith, ready } from '../parent.ts'

const LIMIT_MS = 60_000
const OPEN_ROWS = `select exists (select from signalbox.deliveries where status in ('pending', 'running')) as open`

const [root = '', mode = '', slots = ''] = process.argv.slice(2)
const url = String(process.env.BENCH_RECEIVER_URL)
const secret = String(process.env.BENCH_ENDPOINT_SECRET)

answerWith(({ databaseUrl, count }) => (mode === 'raw' ? sendAll(Number(count)) : drain(String(databaseUrl))))
ready({})

/**
 * Sends every delivery of a database; `seconds` is from the start of the sender to the last row.
 */
async function drain(databaseUrl: string): Promise<{ seconds: number }> {
  const database = await openDatabase(root, databaseUrl)
  const sender = await openSender(root, database, Number(slots))
  const start = performance.now()
  sender.start()
  for (let open = true; open; ) {
    await wait(10)
    open = (await database.query(OPEN_ROWS)).rows.some((row) => (row as { open: boolean }).open)
    if (performance.now() - start > LIMIT_MS) throw new Error(`not all were sent in ${LIMIT_MS} ms`)
  }
  const seconds = (performance.now() - start) / 1000
  await sender.drain()
  await database.close()
  return { seconds }
}

/** Signs and sends as many bodies. */
async function sendAll(count: number): Promise<{ seconds: number }> {
  const sending = await openSending(root, url, secret)
  const left = Array.from({ length: count }, (_, n) => smallPushOf(n))
  const start = performance.now()
  const slot = async () => {
    for (let body = left.pop(); body !== undefined; body = left.pop()) {
      const status = await sending.send(body)
      if (status !== 200) throw new Error(`the receiver answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: Number(slots) }, slot))
  const seconds = (performance.now() - start) / 1000
  await sending.close()
  return { seconds }
}
