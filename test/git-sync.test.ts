// A served configuration folder stays in step with its upstream, and GIT_SYNC_ENABLED=false leaves
// it alone.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from './database.ts'
import { run } from './process.ts'
import { until } from './signalbox.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-sync-'))
  await git(folder, 'init', '-q', '-b', 'main', 'origin')
  await commit('signalbox.config.ts', 'export default {}\n')
  await git(folder, 'clone', '-q', 'origin', 'clone')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function git(cwd: string, ...args: string[]) {
  return execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd })
}
async function commit(name: string, text: string): Promise<void> {
  await writeFile(join(folder, 'origin', name), text)
  await git(join(folder, 'origin'), 'add', '.')
  await git(join(folder, 'origin'), 'commit', '-qm', name)
}
async function headOf(name: string) {
  return (await git(join(folder, name), 'rev-parse', 'HEAD')).stdout
}

async function isCurrent() {
  return (await headOf('clone')) === (await headOf('origin'))
}

test('signalbox serve pulls the folder of its configuration at every tick, unless that is switched off', async () => {
  const database = await openTestDatabase()
  const env = { DATABASE_URL: database.url, PORT: '0', HOST: '127.0.0.1', TICK_INTERVAL_SECONDS: '1' }
  const cwd = join(folder, 'clone')
  const before = await headOf('clone')
  await commit('agent.sh', 'echo hello\n')
  const still = run(['serve'], { cwd, env: { ...env, GIT_SYNC_ENABLED: 'false' } })
  await still.prints(/listens on/)
  expect(await still.kill('SIGTERM')).toBe(0)
  expect(await headOf('clone')).toBe(before)

  const synced = run(['serve'], { cwd, env })
  await synced.prints(/listens on/)
  await until('the clone has caught up', isCurrent)
  await commit('agent.sh', 'echo hello again\n')
  await until('it has again', isCurrent)
  expect(await synced.kill('SIGTERM')).toBe(0)
  await database.close()
})
