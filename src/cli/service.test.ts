// Starting the service from the command line, as far as this process can see; test/cli.test.ts runs
// it as a process of its own.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { until } from '../../test/signalbox.ts'
import { call, testTerminal } from '../../test/terminal.ts'
import type { Database } from '../db/database.ts'
import type { Banner } from './banner.ts'
import { ownAddress } from './own-server.ts'
import { run } from './program.ts'

const TOKEN = 'an-api-token-of-32-characters-yes'

let database: Database
let folder: string
beforeAll(async () => {
  database = await openTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
})
afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true })
})

/** Starts a service, passes what it printed to `use`, and stops it as a signal would. */
async function running(args: string[], use: (printed: { out: string }) => Promise<void>): Promise<number> {
  const env = { DATABASE_URL: database.url, SIGNALBOX_API_TOKEN: TOKEN, ORCHESTRATOR_LOG_LEVEL: 'ERROR' }
  const { terminal, printed } = testTerminal({ folder, env })
  const before = new Set(process.listeners('SIGTERM'))
  const ended = run(args, terminal)
  try {
    await until('it has started', async () => printed.out !== '')
    await use(printed)
  } finally {
    // The signal itself would end the test's own process, too.
    const added = process.listeners('SIGTERM').filter((listener) => !before.has(listener))
    for (const listener of added) (listener as (signal: string, number: number) => void)('SIGTERM', 15)
  }
  const code = await ended
  expect(process.listeners('SIGTERM').filter((listener) => !before.has(listener))).toEqual([])
  return code
}

test('serve says where it listens, answers there, and ends with 0 when asked to', async () => {
  let url = ''
  const code = await running(['serve', '--port', '0', '--host', '127.0.0.1', '--json'], async ({ out }) => {
    const banner = JSON.parse(out) as Banner
    expect(banner).toMatchObject({ mode: 'serve', roles: { receiver: true, orchestrator: true }, api: 'token' })
    url = banner.url ?? ''
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })
  expect(code).toBe(0)
  await expect(fetch(`${url}/health`)).rejects.toThrow()
})

test('dev is found by commands of its folder, with a token of your own too', async () => {
  await running(['dev', '--port', '0', '--json'], async ({ out }) => {
    const { url } = JSON.parse(out) as Banner
    expect(ownAddress(join(folder, '.signalbox'))).toBe(url)
  })
  expect(ownAddress(join(folder, '.signalbox'))).toBeUndefined()
})

test('serve --only orchestrator listens nowhere', async () => {
  const code = await running(['serve', '--only', 'orchestrator'], async ({ out }) => {
    expect(out).toMatch(/works on jobs and deliveries, and receives nothing\n/)
    expect(out).not.toContain('webhooks')
  })
  expect(code).toBe(0)
})

describe('a service that cannot start', () => {
  const start = (args: string[], env: Record<string, string> = {}) =>
    call(['serve', ...args], { folder, env: { DATABASE_URL: database.url, HOST: '127.0.0.1', PORT: '0', ...env } })

  test('names the port that is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    expect(await start(['--port', `${port}`])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining(`Port ${port} is in use: stop the other program, or set PORT.`),
    })
    other.close()
  })

  test.each([
    ['10.99.99.99', 'HOST is 10.99.99.99, which is no address of this machine.'],
    ['name.invalid', 'HOST is name.invalid, which no name server knows.'],
  ])('names the address %s that is not its own, and makes no data directory', async (HOST, sentence) => {
    const env = { DATABASE_URL: '', HOST, SIGNALBOX_DATA_DIR: join(folder, 'data') }
    expect(await start([], env)).toMatchObject({ code: 1, out: '', err: expect.stringContaining(sentence) })
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })

  test.each(['x', '-1', '70000', '80.5'])('names the port %j', async (port) => {
    expect(await start([`--port=${port}`])).toMatchObject({ code: 1, err: expect.stringContaining('PORT: ') })
  })

  test('names what is wrong in its configuration', async () => {
    await writeFile(join(folder, 'wrong.ts'), 'export default { rules: [{ name: "x", on: "push", agent: "nobody" }] }')
    expect(await start(['--config', 'wrong.ts'])).toMatchObject({ code: 1, err: expect.stringContaining('nobody') })
    await writeFile(join(folder, 'throws.ts'), 'throw new Error("not today")')
    expect(await start(['--config', 'throws.ts'])).toMatchObject({ code: 1, err: expect.stringContaining('not today') })
  })

  test('says why the database does not answer', async () => {
    const { code, err } = await start([], { DATABASE_URL: 'postgres://127.0.0.1:9/x' })
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/cannot be reached\.\n {2}Nothing listens there: /),
    })
  })

  test('says that two processes need one database, or that there is no such part', async () => {
    for (const part of ['receiver', 'orchestrator']) {
      expect(await call(['serve', '--only', part], { folder })).toMatchObject({
        code: 1,
        err: expect.stringContaining('Set DATABASE_URL'),
      })
    }
    expect(await start(['--only', 'sender'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('receiver, orchestrator'),
    })
  })
})
