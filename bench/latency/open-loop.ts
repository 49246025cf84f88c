// An open loop: requests leave when they are due, whether or not others have been answered.
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { Pool } from 'undici'
import type { SignedPush } from '../ingest/payload.ts'
import { numbered } from '../ingest/payload.ts'

// More than are ever under way while a server keeps up; a request that waits for one has its wait
// counted.
const CONNECTIONS = 256

/** Sends the pushes at a mean rate for a while. */
export type OpenLoop = {
  run(options: { perSecond: number; seconds: number }): Promise<Float64Array>
  close(): Promise<void>
}

/**
 * Opens the load on one server. `run` resolves to the latencies in milliseconds, each counted from
 * the time its request was due: what a slow answer delays is counted too. Arrivals are a Poisson
 * process.
 * @throws Error when an answer is not 2xx
 */
export function openLoop(url: string, pushes: readonly SignedPush[]): OpenLoop {
  const { origin, pathname } = new URL(url)
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 })
  const prefix = randomBytes(12).toString('hex')
  let count = 0
  async function send(): Promise<void> {
    const { body, headers } = numbered(pushes[count % pushes.length] as SignedPush, ++count)
    const delivery = { 'X-GitHub-Delivery': `${prefix}-${count}` }
    const answer = await pool.request({ path: pathname, method: 'POST', headers: { ...headers, ...delivery }, body })
    await answer.body.dump()
    if (answer.statusCode >= 300) throw new Error(`${url} answered ${answer.statusCode}.`)
  }
  return {
    async run({ perSecond, seconds }) {
      const dueMs = arrivals(perSecond, seconds)
      const latencies = new Float64Array(dueMs.length)
      const sent: Promise<void>[] = []
      const start = performance.now()
      const now = () => performance.now() - start
      while (sent.length < dueMs.length) {
        for (let due = dueMs[sent.length]; due !== undefined && due <= now(); due = dueMs[sent.length]) {
          const [at, place] = [due, sent.length]
          sent.push(
            send().then(() => {
              latencies[place] = now() - at
            }),
          )
        }
        await wait(1)
      }
      await Promise.all(sent)
      return latencies
    },
    close: () => pool.close(),
  }
}

function arrivals(perSecond: number, seconds: number): number[] {
  const due: number[] = []
  for (let at = 0; ; due.push(at)) {
    at += (-Math.log(1 - Math.random()) / perSecond) * 1000
    if (at >= seconds * 1000) return due
  }
}
