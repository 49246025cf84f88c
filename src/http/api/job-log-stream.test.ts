// Following the log of a job: over real HTTP, over lost connections, by readers who do not read.
import { signalbox as clientOf } from '@signalbox/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, TOKEN, until } from '../../../test/signalbox.ts'
import type { Database } from '../../db/database.ts'
import { newId } from '../../lib/id.ts'
import { silentLog } from '../../lib/log.ts'
import { openLogStreams } from './job-log-stream.ts'

let signalbox: TestSignalbox
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
})
afterAll(() => signalbox.close())

async function makeJob(lines = 0): Promise<string> {
  const answer = await signalbox.api('/webhook/manual', { method: 'POST' })
  const { jobs } = (await answer.json()) as { jobs: [string] }
  await write(jobs[0], lines)
  return jobs[0]
}

async function write(id: string, lines: number): Promise<void> {
  await signalbox.database.query(
    `insert into signalbox.job_log (job_id, attempt, stream, line)
     select $1, 1, 'log', 'line ' || n from generate_series(1, $2::integer) as n`,
    [id, lines],
  )
}

async function end(id: string, status: string): Promise<void> {
  await signalbox.database.query('update signalbox.jobs set status = $2 where id = $1', [id, status])
}

async function follow(id: string, headers: Record<string, string> = {}): Promise<Response> {
  return signalbox.api(`/api/jobs/${id}/log`, { headers: { accept: 'text/event-stream', ...headers } })
}

/** Reads a body until it has this text; the reader stays open. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: string): Promise<string> {
  let text = ''
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read()
    if (done) break
    text += Buffer.from(value).toString()
  }
  return text
}

test('each line is an event as it is written, and the last one says how the job has ended', async () => {
  const id = await makeJob(2)
  const answer = await follow(id)
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const reader = answer.body!.getReader()
  expect(await readUntil(reader, 'line 2')).toMatch(/^retry: 2000\n\nid: \d+\nevent: line\ndata: \{"id":\d+,/)
  await write(id, 1)
  expect(await readUntil(reader, 'line 1')).toContain('event: line')
  await end(id, 'failed')
  expect(await readUntil(reader, 'event: end')).toContain('data: {"status":"failed"}\n\n')
  expect((await reader.read()).done).toBe(true)
})

test('with Last-Event-ID it goes on after that line', async () => {
  const id = await makeJob(3)
  await end(id, 'completed')
  const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, found]) => found)
  const [, second, third] = ids(await (await follow(id)).text())
  expect(ids(await (await follow(id, { 'last-event-id': second! })).text())).toEqual([third])
})

test('of a job that there is not none is opened', async () => {
  expect((await follow(newId())).status).toBe(404)
})

test('to ask for its headers alone leaves none open', async () => {
  const id = await makeJob(1)
  await end(id, 'completed')
  const headers = { accept: 'text/event-stream' }
  for (let n = 0; n < 50; n++) await signalbox.api(`/api/jobs/${id}/log`, { method: 'HEAD', headers })
  const answer = await follow(id)
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain('event: end')
})

test('the client follows to the end over lost connections, each line once', async () => {
  const id = await makeJob(450)
  await end(id, 'completed')
  let calls = 0
  /** Cuts the connection in the middle of a line, and at the second attempt refuses it. */
  const cutting: typeof fetch = async (input, init) => {
    calls++
    if (calls === 2) throw new TypeError('fetch failed')
    const answer = await fetch(input, init)
    if (calls > 3) return answer
    const part = Buffer.from(await answer.arrayBuffer()).subarray(0, 20_000)
    return new Response(part, answer)
  }
  const client = clientOf({ url: signalbox.url, token: TOKEN, fetch: cutting, wait: async () => {} })
  const lines: string[] = []
  const read = client.jobs.follow(id)
  let next = await read.next()
  for (; !next.done; next = await read.next()) lines.push(next.value.line)
  expect(next.value).toBe('completed')
  expect(lines).toEqual(Array.from({ length: 450 }, (_, n) => `line ${n + 1}`))
  expect(calls).toBe(4)
})

test('a line is at most five seconds late, however often the connection was cut before it', async () => {
  const id = await makeJob()
  const pauses: number[] = []
  const wait = async (ms: number) => {
    pauses.push(ms)
    if (pauses.length === 20) await end(id, 'completed')
  }
  const cutting: typeof fetch = async (input, init) => {
    if (pauses.length < 20) throw new TypeError('fetch failed')
    return fetch(input, init)
  }
  const client = clientOf({ url: signalbox.url, token: TOKEN, fetch: cutting, wait })
  expect(await client.jobs.follow(id).next()).toEqual({ done: true, value: 'completed' })
  expect(Math.max(...pauses)).toBe(5000)
})

test('a refusal is not repeated', async () => {
  const client = clientOf({ url: signalbox.url, token: TOKEN })
  await expect(client.jobs.follow(newId()).next()).rejects.toMatchObject({ code: 'not_found' })
})

/** A reader who stays. */
function present({ gone = new AbortController().signal, hangUp = () => {} } = {}) {
  return { gone, hangUp }
}

function counting(database: Database) {
  const counted = { reads: 0 }
  const looking: Database = {
    ...database,
    query: (text, values, name) => {
      counted.reads++
      return database.query(text, values, name)
    },
  }
  return { looking, counted }
}

test('what is not read is not fetched', async () => {
  const id = await makeJob(1000)
  const { looking, counted } = counting(signalbox.database)
  const streams = openLogStreams({ looking, log: silentLog, everyMs: 0 })
  const reader = (await streams.open(id, 0, present())).body!.getReader()
  await readUntil(reader, 'line 50')
  for (let n = 0; n < 10; n++) await signalbox.database.query('select 1')
  expect(counted.reads).toBe(1)
  await readUntil(reader, 'line 100')
  expect(counted.reads).toBe(2)
  streams.close()
})

test('while nothing is written a comment keeps the connection open', async () => {
  const id = await makeJob()
  const streams = openLogStreams({ looking: signalbox.database, log: silentLog, everyMs: 0, heartbeatMs: 0 })
  const reader = (await streams.open(id, 0, present())).body!.getReader()
  expect(await readUntil(reader, 'here')).toContain('\n\n: still here\n\n')
  streams.close()
  await readUntil(reader, 'never')
})

test('50 are followed at once, and one that ends makes way', async () => {
  const id = await makeJob()
  const streams = openLogStreams({ looking: signalbox.database, log: silentLog })
  const gone = Array.from({ length: 50 }, () => new AbortController())
  for (const { signal } of gone) await streams.open(id, 0, present({ gone: signal }))
  const open = () => streams.open(id, 0, present())
  await expect(open()).rejects.toMatchObject({ code: 'rate_limited', headers: { 'retry-after': '5' } })
  gone[0]!.abort()
  const left = await open()
  await expect(open()).rejects.toMatchObject({ code: 'rate_limited' })
  await left.body!.cancel()
  await open()
  await expect(streams.open(newId(), 0, present({ gone: gone[1]!.signal }))).rejects.toMatchObject({
    code: 'rate_limited',
  })
  streams.close()
})

test('who reads no further is hung up on, and makes way', async () => {
  const id = await makeJob(400)
  const streams = openLogStreams({ looking: signalbox.database, log: silentLog, maxUnreadMs: 10 })
  const gone = new AbortController()
  const stuck = await streams.open(id, 0, present({ gone: gone.signal, hangUp: () => gone.abort() }))
  for (let n = 1; n < 50; n++) await streams.open(id, 0, present())
  await readUntil(stuck.body!.getReader(), 'line 50')
  await until('it is hung up on', async () => gone.signal.aborted)
  expect((await streams.open(id, 0, present())).status).toBe(200)
  streams.close()
})
