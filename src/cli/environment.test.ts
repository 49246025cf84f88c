// What a command takes from the environment and the configuration file.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfigured, loadSettings } from './config-file.ts'
import { environmentOf } from './environment.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-cli-'))
  await writeFile(
    join(folder, 'signalbox.config.ts'),
    `export default { rules: [{ name: 'a', on: 'push', agent: 'ping' }] }`,
  )
  await writeFile(join(folder, 'other.ts'), 'export default { rules: [] }')
})
afterAll(() => rm(folder, { recursive: true }))

describe('the environment', () => {
  test('is overridden by options, and only by those that are given', () => {
    const env = { PORT: '1234', HOST: '10.0.0.1' }
    expect(environmentOf({ env })).toMatchObject({ PORT: 1234, HOST: '10.0.0.1' })
    expect(environmentOf({ env }, { port: '0' })).toMatchObject({ PORT: 0, HOST: '10.0.0.1' })
    expect(environmentOf({ env }, { host: '::1', port: undefined })).toMatchObject({ PORT: 1234, HOST: '::1' })
  })

  test('that is wrong is named by its variable, whether it came as an option or not', () => {
    const wrong = { code: 'config_invalid', detail: expect.stringContaining('PORT: ') }
    expect(() => environmentOf({ env: { PORT: 'x' } })).toThrow(expect.objectContaining(wrong))
    expect(() => environmentOf({ env: {} }, { port: '99999' })).toThrow(expect.objectContaining(wrong))
  })
})

describe('the configuration file', () => {
  test("is the folder's, or the one that is named", async () => {
    expect(await loadSettings({ env: {}, folder })).toMatchObject({
      config: { rules: [{ name: 'a' }] },
      path: join(folder, 'signalbox.config.ts'),
      environment: { PORT: 8000 },
    })
    expect(await loadSettings({ env: {}, folder }, { config: 'other.ts' })).toMatchObject({ config: { rules: [] } })
    expect(await loadSettings({ env: {}, folder: tmpdir() })).toMatchObject({ path: null })
  })

  test('is put together with what is built in', async () => {
    const { rules, agents, sources, forges } = await loadConfigured({ env: {}, folder }, {})
    expect(rules.map(({ name }) => name)).toEqual(['a'])
    expect([...agents.keys()]).toEqual(expect.arrayContaining(['ping', 'deployment-pr']))
    expect([...sources.keys()]).toEqual(['github', 'agenta'])
    expect(forges.names).toEqual([])
  })

  test('is read after the environment, whose mistakes come first', async () => {
    const loading = loadSettings({ env: { PORT: 'x' }, folder }, { config: 'none.ts' })
    await expect(loading).rejects.toThrow('PORT')
  })
})
