// What jobs have started ends with the server, even when that is killed by SIGKILL.
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { isolationFor } from '../src/agents/isolation/isolation.ts'
import { errorText } from '../src/lib/error.ts'
import { isAlive, isRunningProgram, run } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-killed-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }))

/** Starts a server with these agents and a job of each; resolves with the processes they named. */
async function startJobs(agents: Record<string, string>) {
  const entries = Object.entries(agents)
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { command, defineAgent, defineConfig, z } from 'signalbox'
     import { spawn } from 'node:child_process'
     import { writeFileSync } from 'node:fs'
     const note = (name, ...pids) => writeFileSync(\`${folder}/\${name}\`, pids.join(' '))
     const agent = (name, run) => defineAgent({ name, description: 'For a test.', input: z.unknown(), run })
     export default defineConfig({ agents: [${entries.map(([, source]) => source).join(',\n')}] })`,
  )
  const server = run(['serve', '--host', '127.0.0.1'], {
    cwd: folder,
    env: { PORT: '0', SIGNALBOX_API_TOKEN: TOKEN, TMPDIR: folder },
  })
  const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const pids = await Promise.all(
    entries.map(async ([name]) => {
      const body = JSON.stringify({ job_type: name })
      expect((await fetch(`${url}/webhook/manual`, { method: 'POST', headers, body })).ok).toBe(true)
      return until(`${name} has started`, async () => {
        const text = await readFile(join(folder, name), 'utf8').catch(() => '')
        return text === '' ? null : text.trim().split(' ').map(Number)
      })
    }),
  )
  onTestFinished(() => {
    for (const pid of pids.flat()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  return { server, pids: pids.flat() }
}

test('a program that ignores SIGTERM, and its own child', async () => {
  const source = `trap "" TERM; sleep 600 & echo $$ $! > ${folder}/program; while :; do sleep 600; done`
  const { server, pids } = await startJobs({
    program: `command({ name: 'program', argv: ['sh', '-c', ${JSON.stringify(source)}], isolation: 'none' })`,
  })
  expect(pids.map(isAlive)).toEqual([true, true])
  await server.kill('SIGKILL')
  await until('nothing of it is left', async () => !pids.some(isAlive))
})

test('a program in bubblewrap, and its child in a session of its own, without its environment', async (context) => {
  const problem = await isolationFor({}, { isolation: 'bubblewrap', hidden: [] }).then(() => null, errorText)
  context.skip(problem !== null, problem ?? '')
  const shared = join(folder, 'shared')
  await mkdir(shared)
  await chmod(shared, 0o777)
  const seconds = String(100_000 + process.pid)
  const source = `env -i setsid sleep ${seconds} & echo 999999999 > ${shared}/program; wait`
  const options = { name: 'program', argv: ['sh', '-c', source], isolation: 'bubblewrap', write: [shared] }
  await symlink(join(shared, 'program'), join(folder, 'program'))
  const { server } = await startJobs({ program: `command(${JSON.stringify(options)})` })
  await until('it runs', async () => isRunningProgram(seconds))
  await server.kill('SIGKILL')
  await until('nothing of it is left', async () => !isRunningProgram(seconds))
})

test('agents in a loop without end, those that wait, and what they have started', async () => {
  const child = `spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 600; done'], { stdio: 'ignore' })`
  const { server, pids } = await startJobs({
    loops: `agent('loops', () => { note('loops', process.pid, ${child}.pid); for (;;) Math.random() })`,
    waits: `agent('waits', () => { note('waits', process.pid, ${child}.pid); return new Promise(() => {}) })`,
  })
  expect(pids).toHaveLength(4)
  expect(pids.map(isAlive)).toEqual([true, true, true, true])
  await server.kill('SIGKILL')
  await until('nothing of them is left', async () => !pids.some(isAlive))
})
