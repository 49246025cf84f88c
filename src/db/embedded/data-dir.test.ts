// A data directory that cannot be used is refused with the reason, and never as a bug.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import { silentLog } from '../../lib/log.ts'
import { isRoot } from './account.ts'
import { hasCluster, openEmbedded } from './embedded.ts'

function refused(dataDir: string) {
  return expect(openEmbedded({ dataDir, log: silentLog })).rejects
}

test('a file in its place, or in that of a folder above it', async () => {
  const file = join(await openTestFolder(), 'file')
  await writeFile(file, '')
  for (const dataDir of [file, join(file, 'below')]) {
    await refused(dataDir).toMatchObject({
      code: 'database_failed',
      detail: `The data directory ${dataDir} cannot be used: there is another file of that name: ${file}. Correct the path.`,
    })
  }
  await refused(join(file, 'below', 'it')).toMatchObject({ detail: expect.stringContaining('is a file, not a folder') })
})

test.runIf(process.platform === 'linux')('a place that takes no folders', async () => {
  await refused('/proc/no-such-folder').toMatchObject({ code: 'database_failed' })
  await refused('/proc/no-such-folder/below').toMatchObject({ code: 'database_failed' })
})

test.skipIf(isRoot())('a folder that this account may not write', async () => {
  await refused('/signalbox-test').toMatchObject({ detail: expect.stringContaining('this account has no permission') })
})

test('a database that Signalbox did not make', async () => {
  const dataDir = await openTestFolder()
  await mkdir(join(dataDir, 'postgres'))
  await refused(dataDir).toMatchObject({
    code: 'database_failed',
    detail: expect.stringMatching(/postgres is not a database that Signalbox made: move it away/),
  })
})

test('missing folders above it are made', async () => {
  const dataDir = join(await openTestFolder(), 'a', 'b')
  expect(await hasCluster(dataDir)).toBe(false)
  const server = await openEmbedded({ dataDir, log: silentLog })
  expect(await hasCluster(dataDir)).toBe(true)
  await server.close()
})
