// What the log says of jobs, deliveries and events: one sentence for each.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import { sayEnded as sayDelivery } from '../src/deliveries/activity.ts'
import type { SendResult } from '../src/deliveries/send.ts'
import { recordedText } from '../src/events/activity.ts'
import { sayEnded as sayJob, sayStarted, saySuperseded } from '../src/jobs/activity.ts'
import { GiveUp } from '../src/lib/error.ts'
import type { Log } from '../src/lib/log.ts'
import { activityOn } from '../src/lib/log.ts'
import { shortId } from '../src/lib/short-id.ts'
import { UNANSWERED } from './send-result.ts'
import { openTestSignalbox, until } from './signalbox.ts'

const ID = '813e39c1-1013-8885-a368-0be423666cda'
const now = new Date('2026-01-01T00:00:02.500Z')

function openLines() {
  const lines: string[] = []
  const add = (level: string) => (_fields: object | string, sentence?: string) =>
    void lines.push(`${level} ${sentence}`)
  const log: Log = { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') }
  return { lines, log, activity: activityOn(log, true) }
}

test('what is said to people is at DEBUG where a program reads the log', () => {
  const { lines, log } = openLines()
  activityOn(log, true)({}, 'it came')
  activityOn(log, false)({}, 'it came')
  expect(lines).toEqual(['info it came', 'debug it came'])
})

test.each([
  [{ status: 'routed', jobIds: [ID] }, 'push acme/shop from github: job 23666cda'],
  [
    { status: 'routed', jobIds: [ID], reason: 'rule "review" is paused: frozen' },
    'push acme/shop from github: job 23666cda; rule "review" is paused: frozen',
  ],
  [{ status: 'routed' }, 'push acme/shop from github: endpoints are notified'],
  [{ status: 'ignored', reason: 'no rule is for push' }, 'push acme/shop from github: ignored: no rule is for push'],
  [{ status: 'routed', duplicate: true }, 'push acme/shop from github: recorded before'],
] as const)('an event: %j', (recorded, text) => {
  const event = { type: 'push', source: 'github', subject: 'acme/shop' }
  expect(
    recordedText(event, {
      id: ID,
      duplicate: false,
      reason: null,
      ...recorded,
      jobIds: [...('jobIds' in recorded ? recorded.jobIds : [])],
    }),
  ).toBe(text)
})

test('a job: started, completed, repeated, waiting, superseded, and as a warning failed', () => {
  const { lines, log } = openLines()
  const row = { id: ID, agent: 'notes', attempt: 2, attempt_started_at: new Date('2026-01-01T00:00:00Z') } as never
  const end = (status: string, error: string | null, detail: Parameters<typeof sayJob>[1]['detail'] = null) =>
    sayJob(log, { row, attempt: 2, outcome: 'completed', status, error, detail }, now)
  sayStarted(log, row)
  end('completed', null)
  end('pending', 'no such table\n  at rows')
  end('failed', 'no such table')
  end('cancelled', 'skipped: `mona` may not\nforged')
  end('waiting', null, {
    waits: [
      { name: 'ship', until: now },
      { name: 'a\nb', until: now },
    ] as never,
  })
  end('cancelled', 'not yet', { mayJoin: true })
  const superseded = { id: ID, agent: 'notes', error: 'Superseded by job 7.' }
  saySuperseded(log, { ...superseded, runs: false })
  saySuperseded(log, { ...superseded, runs: true })
  expect(lines).toEqual([
    'info job 23666cda notes: started, attempt 2',
    'info job 23666cda notes: completed in 2.5 s',
    'info job 23666cda notes: attempt 2 ended in 2.5 s, another follows: no such table',
    `warn job 23666cda notes: failed in 2.5 s, and is not repeated: no such table (signalbox jobs show ${ID})`,
    'info job 23666cda notes: cancelled in 2.5 s: skipped: `mona` may not',
    'info job 23666cda notes: attempt 2 ended in 2.5 s, it waits for "ship" until 2026-01-01T00:00:02.500Z, "a',
    'info job 23666cda notes: cancelled: Superseded by job 7.',
  ])
})

test('at INFO serve says of jobs what they do, and nothing of events', async () => {
  const { lines, log } = openLines()
  let begun = 0
  const agent = defineAgent({
    name: 'works',
    description: 'As its application is called.',
    input: z.unknown(),
    async run({ event, approval, signal }) {
      const { app } = event?.facts ?? {}
      if (app === 'retries') throw new Error('no such table')
      if (app === 'fails') throw new GiveUp('no such row')
      if (app === 'waits') await approval('ship', { reason: 'Ship it' })
      if (app === 'superseded' && ++begun === 1) await new Promise((_, stop) => signal.addEventListener('abort', stop))
      return {}
    },
  })
  const on = 'environment.deployed'
  const signalbox = await openTestSignalbox({
    log,
    config: {
      agents: [agent],
      rules: [{ name: 'works', on, agent: 'works', concurrency: { key: '{app}', mode: 'latest' } }],
    },
  })
  onTestFinished(() => signalbox.close())
  let deployed = 0
  const deploy = async (app: string) => {
    const body = { project_id: 'p', app_name: app, variant_name: 'v', environment: 'e', config: { n: ++deployed } }
    const answer = await signalbox.api('/api/deployments', { method: 'POST', body: { ...body, deployed_by: 'jane' } })
    const { event_id } = (await answer.json()) as { event_id: string }
    const { rows } = await signalbox.database.query<{ id: string }>(
      'select id from signalbox.jobs where event_id = $1',
      [event_id],
    )
    return rows[0]?.id ?? ''
  }
  const saidOf = (id: string) => lines.filter((line) => line.includes(` job ${shortId(id)} `))
  const said = async (app: string, end: string, level = 'info') => {
    const id = await deploy(app)
    await until(`it is said how ${app} ended`, async () => saidOf(id).length === 2)
    const [started, ended] = saidOf(id)
    expect(started).toBe(`info job ${shortId(id)} works: started`)
    expect(ended).toMatch(new RegExp(`^${level} job ${shortId(id)} works: ${end}`))
  }
  await said('completes', String.raw`completed in \d+\.\d s$`)
  await said('retries', 'attempt 1 ended in .* s, another follows: no such table$')
  await said('waits', 'attempt 1 ended in .* s, it waits for "ship" until ')
  await said('fails', 'failed in .* s, and is not repeated: no such row ', 'warn')
  const older = await deploy('superseded')
  await until('it runs', async () => saidOf(older).length === 1)
  const newer = await deploy('superseded')
  await until('it is said what became of it', async () => saidOf(older).length === 2)
  expect(saidOf(older)[1]).toMatch(new RegExp(`: cancelled in .* s: Superseded by job ${newer}\\.$`))
  const ofEvents = lines.filter((line) => line.includes(on))
  expect(new Set(ofEvents.map((line) => line.split(' ')[0]))).toEqual(new Set(['debug']))
})

test('a delivery: succeeded, repeated, and as a warning given up or unwanted', () => {
  const { lines, log, activity } = openLines()
  const row = { id: ID, endpoint_id: 'e' } as never
  const end = (status: string, statusCode: number | null, error: string | null, goodbye?: string) => {
    const about = {
      type: 'push',
      host: 'hooks.example.com',
      url: 'https://hooks.example.com/',
      eventId: ID,
      depth: 0,
      wasWell: true,
      isTest: false,
    }
    const said = { kind: 'failure', ...(goodbye && { goodbye }) } as const
    const sent = { ...UNANSWERED, statusCode, error: error as SendResult['error'], durationMs: 12 }
    sayDelivery(
      { log, activity },
      { row, attempt: 10, outcome: 'failed', status, error, detail: { ...sent, requestHeaders: null, said, about } },
    )
  }
  end('succeeded', 200, null)
  end('pending', null, 'timeout')
  end('failed', 500, 'http_500')
  end('failed', 410, 'http_410', 'It answered 410 Gone.')
  const name = 'delivery 23666cda push to hooks.example.com'
  expect(lines).toEqual([
    `info ${name}: succeeded, 200 in 12 ms`,
    `info ${name}: timeout; another attempt follows`,
    `warn ${name}: given up after attempt 10: 500 in 12 ms`,
    `warn ${name}: 410 in 12 ms: it wants no more, and the endpoint is paused`,
  ])
})
