// What the log says of jobs, deliveries and events: one sentence for each.
import { expect, test } from 'vitest'
import { sayEnded as sayDelivery } from '../src/deliveries/activity.ts'
import type { SendResult } from '../src/deliveries/send.ts'
import { recordedText } from '../src/events/activity.ts'
import { sayEnded as sayJob, sayStarted } from '../src/jobs/activity.ts'
import type { Log } from '../src/lib/log.ts'
import { activityOn } from '../src/lib/log.ts'
import { UNANSWERED } from './send-result.ts'

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

test('a job: started, completed, repeated, and as a warning failed', () => {
  const { lines, log, activity } = openLines()
  const row = { id: ID, agent: 'notes', attempt: 2, attempt_started_at: new Date('2026-01-01T00:00:00Z') } as never
  const end = (status: string, error: string | null) =>
    sayJob({ log, activity }, { row, attempt: 2, status, error, detail: null }, now)
  sayStarted(activity, row)
  end('completed', null)
  end('pending', 'no such table\n  at rows')
  end('failed', 'no such table')
  end('cancelled', 'skipped: `mona` may not\nforged')
  expect(lines).toEqual([
    'info job 23666cda notes: started, attempt 2',
    'info job 23666cda notes: completed in 2.5 s',
    'info job 23666cda notes: attempt 2 ended in 2.5 s, another follows: no such table',
    `warn job 23666cda notes: failed in 2.5 s, and is not repeated: no such table (signalbox jobs show ${ID})`,
    'info job 23666cda notes: cancelled in 2.5 s: skipped: `mona` may not',
  ])
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
      { row, attempt: 10, status, error, detail: { ...sent, requestHeaders: null, said, about } },
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
