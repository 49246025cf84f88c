// The database of an installation is the external one if there is one, else the embedded one.
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { openTestFolder } from '../../test/folder.ts'
import { silentLog as log } from '../lib/log.ts'
import { embeddedUrl } from './embedded/embedded.ts'
import type { Store } from './store.ts'
import { openStore } from './store.ts'

async function open(options: { url?: string; dataDir: string; share?: boolean }): Promise<Store> {
  const { url, dataDir, share = false } = options
  const store = await openStore({ environment: { DATABASE_URL: url, SIGNALBOX_DATA_DIR: dataDir }, log, share })
  onTestFinished(() => store.close())
  return store
}

async function answers({ database }: Store): Promise<boolean> {
  return (await database.query('select 1 as one')).rowCount === 1
}

describe('an installation with DATABASE_URL', () => {
  test('uses that database, and closing it leaves the server running', async () => {
    const external = await openTestDatabase()
    onTestFinished(() => external.close())
    const dataDir = join(await openTestFolder(), 'data')
    for (const share of [false, true]) {
      const store = await open({ url: external.url, dataDir, share })
      expect(store).toMatchObject({ kind: 'external', url: external.url })
      expect(await answers(store)).toBe(true)
      await store.close()
    }
    expect((await external.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(await embeddedUrl(dataDir)).toBeUndefined()
  })
})

describe('an external database that cannot be used', () => {
  const change = (change: (url: URL) => void) => (address: string) => {
    const url = new URL(address)
    change(url)
    return url.href
  }
  test.each([
    [
      'no such database',
      change((url) => Object.assign(url, { pathname: '/nowhere' })),
      /: database "nowhere" does not exist\.$/,
    ],
    [
      'a wrong password',
      change((url) => Object.assign(url, { password: 'wrong' })),
      /: password authentication failed for user/,
    ],
    [
      'a port where nothing listens',
      change((url) => Object.assign(url, { port: '1' })),
      /: connect ECONNREFUSED 127\.0\.0\.1:1\.$/,
    ],
  ])('is refused at once with the reason: %s', async (_, change, sentence) => {
    const { url, close } = await openTestDatabase({ migrated: false })
    onTestFinished(close)
    const opening = open({ url: change(url), dataDir: 'unused' })
    await expect(opening).rejects.toMatchObject({
      code: 'database_unavailable',
      detail: expect.stringMatching(new RegExp(`^The database cannot be reached${sentence.source}`)),
    })
    await expect(opening).rejects.not.toMatchObject({ detail: expect.stringContaining(new URL(url).password) })
  })
})

describe('an installation without DATABASE_URL', () => {
  test('starts a server of its own, which others may share, and only its owner stops', async () => {
    const dataDir = join(await openTestFolder(), 'data')
    const owner = await open({ dataDir })
    expect(owner.kind).toBe('embedded')
    expect(await answers(owner)).toBe(true)

    const shared = await open({ dataDir, share: true })
    expect(shared).toMatchObject({ kind: 'embedded', url: owner.url })
    expect(await answers(shared)).toBe(true)
    await shared.close()
    expect(await answers(owner)).toBe(true)

    await expect(open({ dataDir })).rejects.toMatchObject({ code: 'database_busy' })

    await owner.close()
    expect(await embeddedUrl(dataDir)).toBeUndefined()
    // With nothing to share, it starts the server itself.
    const next = await open({ dataDir, share: true })
    expect(await answers(next)).toBe(true)
    await next.close()
    expect(await embeddedUrl(dataDir)).toBeUndefined()
  })
})
