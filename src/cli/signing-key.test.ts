import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { call } from '../../test/terminal.ts'
import { publicKeyOf } from '../deliveries/sign-ed25519.ts'
import { readEnvironment } from '../lib/environment.ts'
import { keepSigningKey } from './signing-key.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-key-'))
  return () => rm(folder, { recursive: true })
})

test('the key of dev is made once, is one that the environment takes, and is for its owner alone', async () => {
  const dataDir = join(folder, 'data')
  const key = await keepSigningKey(dataDir)
  expect(await keepSigningKey(dataDir)).toBe(key)
  expect(readEnvironment({ SIGNALBOX_SIGNING_KEY: key }).SIGNALBOX_SIGNING_KEY).toEqual([key])
  expect((await stat(join(dataDir, 'signing-key'))).mode & 0o777).toBe(0o600)
})

test('a key that others could read is replaced', async () => {
  const key = await keepSigningKey(folder)
  await chmod(join(folder, 'signing-key'), 0o644)
  const replaced = await keepSigningKey(folder)
  expect(replaced).not.toBe(key)
  expect(await readFile(join(folder, 'signing-key'), 'utf8')).toBe(`${replaced}\n`)
})

test('secret generate --ed25519 prints a key, and apart from it the public one', async () => {
  const { code, out, err } = await call(['secret', 'generate', '--ed25519'])
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^whsk_\S{88}\n$/) })
  expect(err).toContain(publicKeyOf(out.trim()))
  const json = JSON.parse((await call(['secret', 'generate', '--ed25519', '--json'])).out)
  expect(json.public_key).toBe(publicKeyOf(json.secret))
})
