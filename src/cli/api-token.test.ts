import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keepToken, readToken, tokenFile } from './api-token.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-token-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('it is random, kept, and nobody else can read it', async () => {
  const dataDir = join(folder, 'a/b')
  const token = await keepToken(dataDir)
  expect(token).toMatch(/^[\w-]{43}$/)
  expect((await stat(tokenFile(dataDir))).mode & 0o777).toBe(0o600)
  expect(await readFile(tokenFile(dataDir), 'utf8')).toBe(`${token}\n`)
  expect(await keepToken(dataDir)).toBe(token)
  expect(readToken(dataDir)).toBe(token)
  expect(await keepToken(join(folder, 'c'))).not.toBe(token)
  expect(await readdir(dataDir)).toEqual(['api-token'])
})

test('one that others could read, or that is cut short, is replaced', async () => {
  const dataDir = join(folder, 'd')
  const token = await keepToken(dataDir)
  await chmod(tokenFile(dataDir), 0o644)
  expect(readToken(dataDir)).toBeUndefined()
  const next = await keepToken(dataDir)
  expect(next).not.toBe(token)
  await writeFile(tokenFile(dataDir), next.slice(0, 10))
  expect(readToken(dataDir)).toBeUndefined()
  expect(await keepToken(dataDir)).not.toBe(next)
})

test('without one there is none', () => {
  expect(readToken(join(folder, 'nowhere'))).toBeUndefined()
})
