// Senders without a secret, against a server process with a small heap: it stays up, its memory
// stays bounded, and those who have the secret are answered meanwhile.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../src/db/database.ts'
import { openTestDatabase } from './database.ts'
import type { Flood } from './fixtures/floods.ts'
import { floods } from './fixtures/floods.ts'
import { PUSH } from './fixtures/payloads.ts'
import { githubHeaders } from './fixtures/signed.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN } from './signalbox.ts'

// Of the heap, and all that bodies may hold, which is outside of it.
const HEAP_MB = 256
const MOST_ADDED_MB = 450

let folder: string
let database: Database
let server: Running
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-floods-'))
  database = await openTestDatabase()
  server = run(['serve', '--only', 'receiver', '--port', '0', '--host', '127.0.0.1', '--json'], {
    cwd: folder,
    env: {
      DATABASE_URL: database.url,
      GITHUB_WEBHOOK_SECRET: SECRET,
      SIGNALBOX_API_TOKEN: TOKEN,
      ORCHESTRATOR_LOG_LEVEL: 'ERROR',
      NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}`,
    },
  })
  url = (await server.prints(/"url": "(http.*?)"/))[1] ?? ''
})
afterAll(async () => {
  await server.kill('SIGTERM')
  await database.close()
  await rm(folder, { recursive: true })
})

/** One sender of a flood: resolves when it has sent everything, or was cut off. */
async function pour(socket: Socket, { pieces, repeats }: Flood): Promise<void> {
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const [last] = pieces.slice(-1)
  const all = last === undefined ? [] : [...pieces.slice(0, -1), ...Array<Buffer>(repeats).fill(last)]
  await Promise.race([once(socket, 'connect'), ended]).catch(() => {})
  for (const piece of all) {
    if (socket.destroyed) return
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), ended]).catch(() => {})
  }
}

async function memoryMb(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', `${server.child.pid}`])
  return Number(stdout) / 1024
}

async function honest(deliveryId: string): Promise<number> {
  const body = Buffer.from(JSON.stringify({ ...PUSH, deliveryId }))
  const keys = { secret: SECRET, token: TOKEN, now: new Date() }
  const headers = githubHeaders(body, keys, { 'x-github-delivery': deliveryId, connection: 'close' })
  const answer = await fetch(`${url}/webhook/github`, { method: 'POST', headers, body: new Uint8Array(body) })
  await answer.arrayBuffer()
  return answer.status
}

test.each(floods.map((flood, at) => ({ flood, at, name: `${flood.connections} ${flood.name}` })))(
  '$name',
  async ({ flood, at }) => {
    expect(await honest(`before-${at}`)).toBe(200)
    const before = await memoryMb()
    const sockets = Array.from({ length: flood.connections }, () =>
      connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {}),
    )
    try {
      let isPouring = true
      const poured = Promise.all(sockets.map((socket) => pour(socket.resume(), flood))).finally(() => {
        isPouring = false
      })
      let most = 0
      const statuses: number[] = []
      do {
        statuses.push(await honest(`during-${at}-${statuses.length}`))
        most = Math.max(most, await memoryMb())
      } while (isPouring)
      await poured
      statuses.push(await honest(`after-${at}`))
      most = Math.max(most, await memoryMb())
      expect(statuses.filter((status) => status !== 200)).toEqual([])
      expect(most - before).toBeLessThan(MOST_ADDED_MB)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  },
  120_000,
)
