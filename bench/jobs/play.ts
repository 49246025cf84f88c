// One side of one engine, in a process of its own: it makes jobs, or it does them.
import { setTimeout as wait } from 'node:timers/promises'
import { despiteDeadlocks } from '../deadlock.ts'
import { answerWith, ready } from '../parent.ts'
import type { OpenEngine } from './engines/engine.ts'

const [module = '', variant = '', root = ''] = process.argv.slice(2)
const { open } = (await import(`./engines/${module}`)) as { open: OpenEngine }
const engine = await open({ url: process.env.DATABASE_URL ?? '', variant, root })

let handled = 0
let latenciesMs: number[] = []

const answers: Record<string, (asked: Record<string, number>) => Promise<object>> = {
  enqueueFor: ({ callers = 1, ms = 0 }) => enqueueFor(callers, ms),
  async enqueueMany({ count = 0 }) {
    const start = performance.now()
    await engine.enqueueMany(count)
    return { perSecond: count / ((performance.now() - start) / 1000) }
  },
  trickle: ({ count = 0, perSecond = 1 }) => trickle(count, perSecond),
  drain: ({ capMs = 0 }) => drain(capMs),
  async clear() {
    await despiteDeadlocks(engine.clear)
    latenciesMs = []
    return {}
  },
  async latencies({ count = 0, capMs = 0 }) {
    const start = performance.now()
    while (latenciesMs.length < count && performance.now() - start < capMs) await wait(5)
    return { latenciesMs }
  },
}

answerWith((message) => {
  const answer = answers[String(message.ask)]
  if (!answer) throw new Error(`Nothing answers ${String(message.ask)}.`)
  return answer(message as Record<string, number>)
})
ready({}, () => engine.close())

/** Monotonic, and the same in every process of the machine (CLOCK_MONOTONIC). */
function now(): bigint {
  return process.hrtime.bigint()
}

function handle(text: string): void {
  handled++
  if (text !== '') latenciesMs.push(Number(now() - BigInt(text)) / 1e6)
}

/** As many as `callers` can make, each one at a time. */
async function enqueueFor(callers: number, ms: number): Promise<object> {
  const start = performance.now()
  let made = 0
  const call = async () => {
    while (performance.now() - start < ms) {
      await engine.enqueue('')
      made++
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return { perSecond: made / ((performance.now() - start) / 1000) }
}

/** One by one, in random intervals, so that no engine's polling falls into step with it. */
async function trickle(count: number, perSecond: number): Promise<object> {
  const calls: Promise<unknown>[] = []
  for (let i = 0; i < count; i++) {
    await wait((Math.random() * 2000) / perSecond)
    calls.push(engine.enqueue(String(now())))
  }
  await Promise.all(calls)
  return {}
}

/** Does all jobs there are, or as many as fit into `capMs`. */
async function drain(capMs: number): Promise<object> {
  const start = performance.now()
  const count = await engine.remaining()
  await engine.work(handle)
  const left = () => capMs - (performance.now() - start)
  while (handled < count && left() > 0) await wait(2)
  while (left() > 0 && (await engine.remaining()) > 0) await wait(2)
  return { perSecond: handled / ((performance.now() - start) / 1000), complete: left() > 0 }
}
