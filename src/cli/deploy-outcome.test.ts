// What `signalbox deploy` says of what came of a deployment.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, SECRET } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defineAgent } from '../agents/agent.ts'
import { GiveUp } from '../lib/error.ts'

const release = Promise.withResolvers<void>()
const quick = defineAgent({ name: 'quick', description: 'Ends.', input: z.unknown(), run: async () => ({ result: 1 }) })
const leaky = defineAgent({
  name: 'leaky',
  description: 'Fails.',
  input: z.unknown(),
  run: async () => {
    throw new GiveUp('The model refused hunter-2.')
  },
})
const hanging = defineAgent({
  name: 'hanging',
  description: 'Does not end.',
  input: z.unknown(),
  run: async () => {
    await release.promise
    return {}
  },
})

let status = 200
const receiver = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(status).end())
})
let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const on = 'environment.deployed'
  const rules = ['quick', 'leaky', 'hanging'].map((agent) => ({ name: agent, on, when: { app: agent }, agent }))
  const endpoint = { name: 'GitHub PR creator', url, secret: SECRET, apps: ['notified', 'failing'] }
  const paused = { name: 'later', url, secret: SECRET, apps: ['paused'], status: 'paused' as const }
  signalbox = await openTestSignalbox({
    config: { agents: [quick, leaky, hanging], rules, endpoints: [endpoint, paused] },
  })
  cli = cliOf(signalbox)
})
afterAll(async () => {
  release.resolve()
  await signalbox.close()
  receiver.close()
})

function deploy(app: string, ...more: string[]) {
  const args = ['deploy', '--app', app, '--env', 'production', '--config', '-', ...more]
  return cli.ask(args, { readInput: async () => '{"api_key":"hunter-2"}' })
}

test('a delivery that arrived is said with its answer', async () => {
  const { code, out } = await deploy('notified')
  expect(code).toBe(0)
  expect(out).toMatch(/^notified is deployed to production, as number 1\.\n/)
  expect(out).toMatch(/\n\nGitHub PR creator: succeeded, 200 in \d+ ms\nNo pull request: "quick" does not match: .*\n/)
})

test('a delivery that failed is said with the next attempt, and is no failure of the command', async () => {
  status = 500
  const { code, out } = await deploy('failing', '--timeout', '3s')
  status = 200
  expect(code).toBe(0)
  expect(out).toMatch(/\nGitHub PR creator: pending: \S+.*, next attempt in \d s\n/)
})

test('a delivery to a paused endpoint is not waited for', async () => {
  const { out } = await deploy('paused', '--timeout', '1h')
  expect(out).toContain('\nlater: pending: The endpoint is paused.\n')
})

test('jobs are said as they ended, without the secrets of the configuration', async () => {
  expect((await deploy('quick')).out).toMatch(
    /\njob \S{8} quick: completed\nNo pull request: no job has opened one\.\n$/,
  )
  const { code, out } = await deploy('leaky')
  expect(code).toBe(0)
  expect(out).toMatch(/\njob \S{8} leaky: failed: The model refused \[redacted\]\.\n/)
  expect(out).not.toContain('hunter')
})

test('a job that takes longer goes on, and --no-wait waits for none', async () => {
  for (const more of [['--timeout', '0s'], ['--no-wait']]) {
    const { code, out } = await deploy('hanging', ...more)
    expect(code).toBe(0)
    expect(out).toMatch(
      /\njob \S{8} hanging: .*\nNo pull request yet: a job has not ended\. It goes on without you\.\n$/,
    )
  }
})

test('where nothing followed, every rule and endpoint that could have says why', async () => {
  const { out } = await deploy('other')
  expect(out).toContain('No pull request: "quick" does not match: the app is other, wanted quick.\n')
  expect(out).toContain('GitHub PR creator: Not notified: it wants app "notified" or "failing", and this is "other".\n')
})

test('with --json it is one object, with what followed as it is then', async () => {
  const { code, out } = await deploy('notified', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    app_name: 'notified',
    deliveries: [{ endpoint_name: 'GitHub PR creator', status: 'succeeded' }],
    jobs: [],
    pull_request_urls: [],
  })
  expect(out).not.toContain('hunter')
})
