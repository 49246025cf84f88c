// Short ids: what a narrow table and the log show is taken wherever an id is asked for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shortId } from '../src/lib/short-id.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox } from './signalbox.ts'
import { cliOf } from './terminal.ts'

type Ids = { event: string; job: string; delivery: string; endpoint: string; deployment: string }

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
let ids: Ids
beforeAll(async () => {
  signalbox = await openTestSignalbox({
    config: { rules: [{ name: 'deployed', on: 'environment.deployed', agent: 'ping' }] },
    roles: { receiver: true, orchestrator: false },
  })
  cli = cliOf(signalbox)
  const url = 'https://hooks.example.com/a/rather/long/path/for/a/narrow/terminal'
  const endpoint = await cli.json<{ id: string }>(['endpoints', 'add', '--url', url])
  const args = ['deploy', '--app', 'bot', '--env', 'production', '--config', '-', '--no-wait']
  const deployed = await cli.json<{
    deployment_id: string
    event_id: string
    jobs: [{ id: string }]
    deliveries: [{ id: string }]
  }>(args, { readInput: async () => '{}' })
  ids = {
    event: deployed.event_id,
    job: deployed.jobs[0].id,
    delivery: deployed.deliveries[0].id,
    endpoint: endpoint.id,
    deployment: deployed.deployment_id,
  }
})
afterAll(() => signalbox.close())

test.each([
  ['event', 'events show'],
  ['event', 'rules explain'],
  ['event', 'jobs ls --event'],
  ['event', 'deliveries ls --event'],
  ['endpoint', 'deliveries ls --endpoint'],
  ['delivery', 'deliveries show'],
  ['job', 'jobs show'],
  ['job', 'jobs log'],
  ['job', 'jobs cancel'],
  ['job', 'jobs retry'],
] as const)('the short id of the %s is as good as the whole for: %s', async (noun, command) => {
  const { code, out, err } = await cli.ask([...command.split(' '), shortId(ids[noun])])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).not.toContain('There are no')
})

test.each(['', '/config'])('so is that of a deployment, with its prefix or without%s', async (path) => {
  const whole = await signalbox.api(`/api/deployments/${ids.deployment}${path}`)
  const expected = await whole.text()
  for (const id of [shortId(ids.deployment), ids.deployment.slice(0, -12)]) {
    const response = await signalbox.api(`/api/deployments/${id}${path}`)
    expect([response.status, await response.text()]).toEqual([200, expected])
  }
})

test('so is its beginning, unless others begin alike', async () => {
  expect((await cli.ask(['jobs', 'show', ids.job.slice(0, 8)])).out).toContain(ids.job)
  await cli.ask(['deploy', '--app', 'bot', '--env', 'staging', '--config', '-', '--no-wait'], {
    readInput: async () => '{}',
  })
  expect(await cli.ask(['events', 'show', ids.event.slice(0, 6)])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/is part of several ids of events; give more of one: \S+, /),
  })
})

describe.each([
  ['events', 'event'],
  ['jobs', 'job'],
  ['deliveries', 'delivery'],
  ['endpoints', 'endpoint'],
] as const)('%s', (noun, one) => {
  test('are listed by their short ids in a narrow terminal, and whole in a pipe', async () => {
    const narrow = (await cli.ask([noun, 'ls'], { columns: 80 })).out
    expect(narrow).toMatch(new RegExp(`^${shortId(ids[one])} `, 'm'))
    for (const line of narrow.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    const whole = (await cli.ask([noun, 'ls'])).out
    expect(whole).toMatch(new RegExp(`^${ids[one]} `, 'm'))
  })
})

test('a narrow list of endpoints shows where each one is', async () => {
  expect((await cli.ask(['endpoints', 'ls'], { columns: 80 })).out).toMatch(/ hooks\.example\.com\S*…$/m)
})

test.each([
  [['jobs', 'show', ''], 'Give the id of a job.'],
  [['events', 'show', ' '], 'Give the id of an event.'],
])('%j is wrong usage', async (args, expected) => {
  expect(await cli.ask(args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
})
