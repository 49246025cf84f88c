// Loading `signalbox.config.ts`: found, read, and refused by name when it is wrong.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadConfig } from './config-file.ts'

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

test('a file is found by one of its names, and read', async () => {
  const { config, path } = await load('export default { rules: [] }')
  expect(config).toEqual({ rules: [] })
  expect(path).toBe(join(folder, 'signalbox.config.mjs'))
})

test.each([
  ['export default', /signalbox\.config\.mjs/],
  ['export const rules = []', /export default/],
  ['export default { rule: [] }', /rule: unknown; the keys are sources, rules, agents, endpoints, prices, mute\./],
  ['export default { sources: {} }', /sources: must be a list/],
  ['export default { agents: "reviewer" }', /agents: must be a list/],
])('%s is refused, and it says why', async (text, why) => {
  await expect(load(text)).rejects.toMatchObject({ code: 'config_invalid', detail: expect.stringMatching(why) })
})

test('a key that is undefined is as good as absent', async () => {
  expect((await load('export default { rules: undefined }')).config).toEqual({ rules: undefined })
})

test('what a file throws is reported with its name', async () => {
  await expect(load("throw new Error('no secret is set')")).rejects.toMatchObject({
    code: 'config_invalid',
    detail: expect.stringMatching(/signalbox\.config\.mjs: no secret is set$/),
  })
})

test('a file that its package.json makes CommonJS is refused with what to do', async () => {
  await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}')
  await writeFile(join(folder, 'signalbox.config.ts'), `import 'node:path'\nexport default {}\n`)
  const program = join(import.meta.dirname, '../../bin/signalbox')
  const loading = promisify(execFile)(program, ['rules', 'ls', '--local'], { cwd: folder })
  await expect(loading).rejects.toMatchObject({ stderr: expect.stringContaining('run "npm pkg set type=module"') })
})
