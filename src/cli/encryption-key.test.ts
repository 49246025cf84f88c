import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { readEnvironment } from '../lib/environment.ts'
import { keepKey, keysOf } from './encryption-key.ts'

test('a key is made once, also by several at the same time, in a file that is ours alone', async () => {
  const folder = join(await openTestFolder(), 'data')
  const made = await Promise.all(Array.from({ length: 5 }, () => keepKey(folder)))
  expect(new Set(made).size).toBe(1)
  expect(await keepKey(folder)).toBe(made[0])
  expect(Buffer.from(made[0] ?? '', 'base64')).toHaveLength(32)
  expect(await readdir(folder)).toEqual(['encryption-key'])
  expect((await stat(join(folder, 'encryption-key'))).mode & 0o777).toBe(0o600)
})

test('commands use the keys of the environment, else the one of the data directory', async () => {
  const folder = await openTestFolder()
  expect(await keysOf({ folder }, readEnvironment({ SIGNALBOX_DATA_DIR: 'data' }))).toEqual([])
  const made = await keepKey(join(folder, 'data'))
  expect(await keysOf({ folder }, readEnvironment({ SIGNALBOX_DATA_DIR: 'data' }))).toEqual([made])
  const other = Buffer.alloc(32).toString('base64')
  const environment = readEnvironment({ SIGNALBOX_DATA_DIR: 'data', SIGNALBOX_ENCRYPTION_KEY: other })
  expect(await keysOf({ folder }, environment)).toEqual([other])
})

test('a file that others can read, or that holds something else, is never replaced', async () => {
  const folder = await openTestFolder()
  const file = join(folder, 'encryption-key')
  const made = await keepKey(folder)
  await chmod(file, 0o644)
  await expect(keepKey(folder)).rejects.toMatchObject({ code: 'encryption_key_unusable', hint: `chmod 600 ${file}` })
  await chmod(file, 0o600)
  await writeFile(file, made.slice(1))
  await expect(keepKey(folder)).rejects.toThrow('holds no key')
  expect(await readFile(file, 'utf8')).toBe(made.slice(1))
})
