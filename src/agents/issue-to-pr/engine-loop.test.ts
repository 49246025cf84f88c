// A coding agent with a command line in the place of a model: a script, on a real checkout.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { until } from '../../../test/until.ts'
import type { EngineLoopOptions } from './engine-loop.ts'
import { engineLoop } from './engine-loop.ts'
import { Killed, openStage, SHOP } from './fixtures/stage.ts'

// Each program takes a moment to start.
const TASK = 'Make sum add. Ünïcode.'

function engine(source: string, more: Partial<EngineLoopOptions> = {}) {
  return { argv: [process.execPath, '-e', `const fs = require('node:fs')\n${source}`] as const, task: TASK, ...more }
}

const MENDS = engine(`
  const task = fs.readFileSync(0, 'utf8')
  if (fs.readFileSync(process.env.SIGNALBOX_TASK, 'utf8') !== task) process.exit(9)
  fs.writeFileSync('src/sum.mjs', fs.readFileSync('src/sum.mjs', 'utf8').replace('a - b', 'a + b'))
  fs.mkdirSync('.github/workflows', { recursive: true })
  fs.writeFileSync('.github/workflows/evil.yml', 'on: push')
  console.log('done: ' + task)`)

test('it gets the task, and what it changed is found, but for what is protected', async () => {
  const { attempt } = await openStage()
  expect(await engineLoop({ ...(await attempt()), ...MENDS })).toEqual({
    outcome: 'done',
    summary: `done: ${TASK}\n`,
    changes: [{ path: 'src/sum.mjs', content: SHOP['src/sum.mjs'].replace('a - b', 'a + b') }],
    leftOut: [
      {
        path: '.github/workflows/evil.yml',
        reason: '.github/workflows/evil.yml is protected: no agent may change it.',
      },
    ],
  })
})

test('killed after it, a later attempt has its files without running it again', async () => {
  const { attempt } = await openStage()
  const runs = engine(`fs.writeFileSync('run', String(Date.now())); fs.rmSync('test', { recursive: true })`)
  await expect(engineLoop({ ...(await attempt({ killAfter: 'engine' })), ...runs })).rejects.toThrow(Killed)
  const [first, second] = [await attempt(), await attempt()]
  const result = await engineLoop({ ...first, ...runs })
  expect(result.changes.map(({ path }) => path)).toEqual(['test/sum.test.mjs', 'run'])
  expect(await engineLoop({ ...second, ...runs })).toEqual(result)
  const run = (folder: string) => readFile(join(folder, 'run'), 'utf8')
  expect(await run(second.checkout.folder)).toBe(await run(first.checkout.folder))
})

test('one that changes nothing is no failure', async () => {
  const { attempt } = await openStage()
  expect(await engineLoop({ ...(await attempt()), ...engine('') })).toMatchObject({ outcome: 'no_change', changes: [] })
})

test.each([
  ['fails', engine(`fs.writeFileSync('half', '1'); process.exit(3)`), /node ended with exit code 3\.$/],
  [
    'takes too long',
    engine(`fs.writeFileSync('half', '1'); setInterval(() => {}, 1000)`, { timeoutMs: 6000 }),
    /node was ended after 6 s, the time it may take\.$/,
  ],
])('one that %s has stopped, with what it changed until then', async (_, given, reason) => {
  const { attempt } = await openStage()
  const result = await engineLoop({ ...(await attempt()), ...given })
  expect(result).toMatchObject({ outcome: 'stopped', changes: [{ path: 'half', content: '1' }] })
  expect(result.reason).toMatch(reason)
})

test('it ends with its attempt', async () => {
  const { attempt } = await openStage()
  const stop = new AbortController()
  const options = await attempt({ signal: stop.signal })
  const runs = engine(`fs.writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000)`)
  const running = engineLoop({ ...options, ...runs })
  const failure = expect(running).rejects.toThrow('cancelled')
  await until('it has begun', async () => existsSync(join(options.checkout.folder, 'pid')))
  stop.abort(new Error('cancelled'))
  await failure
})
