import { spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from '../../test/folder.ts'
import { kill } from '../../test/process.ts'
import { until } from '../../test/until.ts'

const SCRIPT = fileURLToPath(new URL('agent-child.ts', import.meta.url))

test('a child keeps what it compiled while it runs, because it is ended by SIGKILL', async () => {
  const compiled = await openTestFolder()
  const flags = ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning']
  const settings = JSON.stringify({ configPath: null, repository: 'acme/shop', base: 'main' })
  const child = spawn(process.execPath, [...flags, SCRIPT, settings], {
    env: { PATH: process.env.PATH, TMPDIR: compiled },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  onTestFinished(() => kill(child))
  const kept = async () => (await readdir(compiled, { recursive: true })).length
  await until('it has kept what it compiled', async () => (await kept()) > 50)
  expect(child.exitCode).toBeNull()
  // Another account could put what it likes into a folder of a known name.
  const [folder = ''] = await readdir(compiled)
  expect((await stat(join(compiled, folder))).mode & 0o777).toBe(0o700)
})
