// Node's own errors of a configuration, which the runner of these tests would replace by its own.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const LOADER = `
const { loadConfig } = await import(process.argv[1])
const details = process.argv.slice(3).map((file) => loadConfig(process.argv[2], file).catch(({ detail }) => detail))
console.log(JSON.stringify(await Promise.all(details)))`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-config-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('a mistake in a configuration, or in what it imports, is named with its line and column', async () => {
  const files = {
    'comma.ts': "export default {\n  rules: [\n    { name: 'a' on: 'push' },\n  ],\n}\n",
    'comma.mjs': "export default {\n  rules: [\n    { name: 'a' on: 'push' },\n  ],\n}\n",
    'end.ts': 'export default {\n  rules: [],\n',
    'end.mjs': 'export default {\n  rules: [\n',
    'import.mjs': "import { nope } from 'node:fs'\nexport default {}",
    'run.mjs': 'export default {\n  rules: nope.default,\n}',
    'parts.ts': 'export const rules = [}',
    'outer.ts': "export { rules } from './parts.ts'",
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const loaded = ['comma.ts', 'comma.mjs', 'end.ts', 'end.mjs', 'import.mjs', 'run.mjs', 'outer.ts']
  const script = join(import.meta.dirname, 'config-file.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...['--conditions=signalbox-source', '--input-type=module', '--eval', LOADER, '--'],
    ...[script, folder, ...loaded],
  ])
  const details = (JSON.parse(stdout) as string[]).map((detail) => detail.replaceAll(`${folder}/`, ''))
  expect(details.map((detail) => detail.slice(0, detail.indexOf(' ')))).toEqual([
    'comma.ts:3:17:',
    'comma.mjs:3:17:',
    'end.ts:2:13:',
    'end.mjs:3:1:',
    'import.mjs:1:10:',
    'run.mjs:2:10:',
    'parts.ts:1:23:',
  ])
})
