// A disk that fills up under the embedded database: what was acknowledged is there, health says
// what is wrong, and everything goes on by itself once there is space.
import { createHmac } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../src/db/store.ts'
import { readEnvironment } from '../src/lib/environment.ts'
import { silentLog } from '../src/lib/log.ts'
import { openSignalbox } from '../src/main.ts'
import { openSmallDisk } from '../src/workspaces/fixtures/small-disk.ts'
import { PUSH } from './fixtures/payloads.ts'
import { ENCRYPTION_KEY, SECRET } from './keys.ts'
import { until } from './until.ts'

const ROOT_ONLY = 'only root may mount a disk'
const PADDING = 'x'.repeat(500_000)

test('nothing acknowledged is lost, and work goes on by itself afterwards', async ({ skip }) => {
  const disk = (await openSmallDisk({ kilobytes: 220_000, files: 5_000 })) ?? skip(ROOT_ONLY)
  await chmod(disk.folder, 0o755)
  const said: string[] = []
  const write = (_about: object | string, text?: unknown) => void said.push(String(text))
  const log = { ...silentLog, info: write, warn: write, error: write }
  const environment = readEnvironment({
    PORT: '0',
    HOST: '127.0.0.1',
    GITHUB_WEBHOOK_SECRET: SECRET,
    SIGNALBOX_ENCRYPTION_KEY: ENCRYPTION_KEY,
    SIGNALBOX_DATA_DIR: join(disk.folder, 'data'),
  })
  const store = await openStore({ environment, log })
  const signalbox = await openSignalbox({ environment, config: {}, store, mode: 'serve', log, patienceMs: 500 })
  const push = async (id: string): Promise<number> => {
    const body = JSON.stringify({ ...PUSH, id, padding: PADDING })
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': id,
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    }
    return (await fetch(`${signalbox.url}/webhook/github`, { method: 'POST', headers, body })).status
  }
  const ready = async () => (await fetch(`${signalbox.url}/health?part=ready`)).status
  try {
    const acknowledged: string[] = []
    const pushed = async (id: string) => {
      const status = await push(id)
      if (status === 200) acknowledged.push(id)
      return status
    }
    const works = () =>
      until('webhooks are recorded', async () => (await pushed(`push-${acknowledged.length}`)) === 200)
    const recorded = async () => {
      const { rows } = await store.database.query<{ id: string }>('select delivery_id as id from signalbox.events')
      return rows.map(({ id }) => id)
    }
    await works()

    // No space for more rows: the statement fails.
    await disk.fill(4_000_000)
    const statuses: number[] = []
    for (let nth = 0; statuses.at(-1) !== 503; nth++) statuses.push(await pushed(`to-the-rim-${nth}`))
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    // An answer may be a second old.
    await until('it is not ready', async () => (await ready()) === 503)
    await disk.empty()
    await until('it is ready again', async () => (await ready()) === 200)
    await works()
    expect(await recorded()).toEqual(expect.arrayContaining(acknowledged))

    // No space for the log of the database: the server ends itself, and cannot be started.
    await disk.fill(0)
    const message = `select pg_logical_emit_message(true, 'x', repeat('x', 4000000))`
    await until('the server has ended', async () => {
      await store.database.query(message).catch(() => undefined)
      return said.some((line) => line.startsWith('the embedded PostgreSQL ended by itself'))
    })
    expect(await pushed('on-a-full-disk')).toBe(503)
    await until('it is not ready', async () => (await ready()) === 503)
    await disk.empty()
    await until('it is ready again', async () => (await ready()) === 200)
    await works()
    expect(await recorded()).toEqual(expect.arrayContaining(acknowledged))
  } finally {
    await signalbox.close()
    await store.close()
  }
}, 120_000)
