import { expect, test } from 'vitest'
import type { Event } from '../../events/event.ts'
import { givenLedger } from '../../findings/given.ts'
import { noModel } from '../../models/fixtures/no-model.ts'
import type { AgentContext } from '../agent.ts'
import { ping } from './ping.ts'

function context(event: Event | null, lines: string[] = []): AgentContext<unknown> {
  return {
    job: { id: 'job-1', type: 'ping', rule: 'r', attempt: 2 },
    input: null,
    event,
    payload: undefined,
    step: async (_, fn) => fn(),
    publish: async () => [],
    inherited: async () => undefined,
    findings: givenLedger(),
    sleep: async () => {},
    waitFor: async () => null,
    approval: async () => {
      throw new Error('Nobody can be asked here.')
    },
    workspace: () => Promise.reject(new Error('A ping needs no folder.')),
    checkout: () => Promise.reject(new Error('A ping needs no folder.')),
    model: noModel,
    forge: null,
    log: (line) => void lines.push(line),
    signal: new AbortController().signal,
    now: () => new Date('2026-01-01T00:00:00Z'),
  }
}

test('it says which job ran, when, and for which event', async () => {
  const lines: string[] = []
  expect(await ping.run(context({ type: 'push' } as Event, lines))).toEqual({
    result: { pong: true, at: '2026-01-01T00:00:00.000Z', job: 'job-1', attempt: 2, event: 'push' },
  })
  expect(lines).toEqual(['pong at 2026-01-01T00:00:00.000Z'])
})

test('a job by hand has no event', async () => {
  expect(await ping.run(context(null))).toMatchObject({ result: { event: null } })
})

test('any options are accepted, also none', () => {
  for (const input of [undefined, null, {}, { any: 'thing' }]) expect(ping.input.safeParse(input).success).toBe(true)
  expect(ping.input.safeParse('text').success).toBe(false)
})
