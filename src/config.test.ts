// Loading `signalbox.config.ts`: found, read, and refused by name when it is wrong.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from './config/config-file.ts'
import { configure } from './config/configure.ts'
import { readEnvironment } from './lib/environment.ts'
import { silentLog } from './lib/log.ts'
import type { Rule } from './rules/rule.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-config-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function load(text: string) {
  await writeFile(join(folder, 'signalbox.config.mjs'), text)
  return loadConfig(folder)
}

test('without a file there is nothing, and a named file must be there', async () => {
  expect(await loadConfig(folder)).toEqual({ config: {}, path: null })
  await expect(loadConfig(folder, 'other.mjs')).rejects.toMatchObject({ code: 'config_invalid' })
})

test('a file is read', async () => {
  const { config, path } = await load('export default { rules: [] }')
  expect(config).toEqual({ rules: [] })
  expect(path).toBe(join(folder, 'signalbox.config.mjs'))
})

test.each([
  ['export default', /signalbox\.config\.mjs/],
  ['export const rules = []', /export default/],
  ['export default { rule: [] }', /unknown key rule/],
  ['export default { sources: {} }', /sources must be a list/],
  ['export default { agents: "reviewer" }', /agents must be a list/],
])('%s is refused, and it says why', async (text, why) => {
  await expect(load(text)).rejects.toMatchObject({ code: 'config_invalid', detail: expect.stringMatching(why) })
})

test('something that is no agent or no source is refused, too', async () => {
  for (const text of [
    'agents: [{ name: "a" }]',
    'agents: [undefined]',
    'sources: [null]',
    'sources: [{ name: "a" }]',
  ]) {
    await writeFile(join(folder, 'other.mjs'), `export default { ${text} }`)
    const { config } = await loadConfig(folder, 'other.mjs')
    expect(() => configure(readEnvironment({}), config, silentLog), text).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
    await rm(join(folder, 'other.mjs'))
  }
})

test("a rule's policy is refused by rule and field", () => {
  const rule = { name: 'fix', on: 'issues.labeled', agent: 'ping' }
  const configured = (policy: unknown) =>
    configure(readEnvironment({}), { rules: [{ ...rule, policy } as Rule] }, silentLog).rules
  expect(configured({ branchPrefixes: ['fix/'] })).toMatchObject([{ policy: { branchPrefixes: ['fix/'] } }])
  expect(() => configured({ branchPrefix: 'fix/' })).toThrow(
    expect.objectContaining({ code: 'config_invalid', detail: 'rule "fix": policy: unknown field "branchPrefix"' }),
  )
})
