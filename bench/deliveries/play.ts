// The measured side of deliveries: a checkout's sender over committed rows, or its sending alone (`raw`).
import { setTimeout as wait } from 'node:timers/promises'
import { smallPushOf } from '../ingest/payload.ts'
import { openDatabase, openSender, openSending } from '../internals.ts'
import { answerWith, ready } from '../parent.ts'

const LIMIT_MS = 60_000
const OPEN_ROWS = `select exists (select from signalbox.deliveries where status in ('pending', 'running')) as open`

const [root = '', mode = '', slots = '', count = ''] = process.argv.slice(2)
const player = mode === 'raw' ? await openRaw() : await openSenderOnly()
answerWith(player.run)
ready({}, player.close)

async function openSenderOnly() {
  const database = await openDatabase(root, String(process.env.DATABASE_URL))
  const sender = await openSender(root, database, Number(slots))
  return {
    async run(): Promise<object> {
      const start = performance.now()
      sender.start()
      for (let open = true; open; ) {
        await wait(10)
        open = (await database.query(OPEN_ROWS)).rows.some((row) => (row as { open: boolean }).open)
        if (performance.now() - start > LIMIT_MS) throw new Error(`not all were sent in ${LIMIT_MS} ms`)
      }
      return { seconds: (performance.now() - start) / 1000 }
    },
    async close(): Promise<void> {
      await sender.drain()
      await database.close()
    },
  }
}

async function openRaw() {
  const url = String(process.env.BENCH_RECEIVER_URL)
  const sending = await openSending(root, url, String(process.env.BENCH_ENDPOINT_SECRET))
  const bodies = Array.from({ length: Number(count) }, (_, n) => smallPushOf(n))
  return {
    async run(): Promise<object> {
      const start = performance.now()
      const left = [...bodies]
      const slot = async () => {
        for (let body = left.pop(); body !== undefined; body = left.pop()) {
          const status = await sending.send(body)
          if (status !== 200) throw new Error(`the receiver answered ${status}`)
        }
      }
      await Promise.all(Array.from({ length: Number(slots) }, slot))
      return { seconds: (performance.now() - start) / 1000 }
    },
    close: () => sending.close(),
  }
}
