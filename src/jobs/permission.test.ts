import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { WriteForge } from '../forges/forge.ts'
import { forgesFrom } from '../forges/forges.ts'
import { RetryAt } from '../lib/error.ts'
import type { Permission } from '../lib/permission.ts'
import { permissionsOf } from './permission.ts'

const question = { repository: 'acme/shop', people: ['mallory'], permission: 'write' as const }

let asked: string[]
let answers: Record<string, Permission | Error>
let nowMs = 0
const github = {
  account: async () => 'Signalbox[bot]',
  async permission(path: string, login: string) {
    asked.push(`${path} ${login}`)
    const answer = answers[login] ?? 'none'
    if (answer instanceof Error) throw answer
    return answer
  },
  isTeamMember: async (_: string, team: string, login: string) => team === 'acme/core' && login === 'tom',
} as unknown as WriteForge
beforeEach(() => {
  asked = []
  answers = { jane: 'write', adam: 'admin', tina: 'triage', mallory: 'read' }
  nowMs += 10 * 60_000
})
const permitted = permissionsOf({ forges: forgesFrom({ github }), now: () => nowMs })

test('everybody asked about must reach the level', async () => {
  const of = (...people: string[]) => permitted({ ...question, people })
  expect(await of('jane')).toBeNull()
  expect(await of('adam', 'jane')).toBeNull()
  expect(await of('jane', 'tina')).toBe('`tina` has no write permission on acme/shop')
  expect(await permitted({ ...question, people: ['jane'], permission: 'admin' })).toContain('no admin permission')
})

test('a team is enough, and both are named when neither is', async () => {
  const teams = ['acme/core', 'acme/ops']
  expect(await permitted({ ...question, people: ['tom'], teams })).toBeNull()
  expect(await permitted({ ...question, teams })).toBe(
    '`mallory` has no write permission on acme/shop and is not in acme/core or acme/ops',
  )
  expect(await permitted({ repository: 'acme/shop', people: ['jane'], teams })).toContain('is not in acme/core')
})

describe('an answer', () => {
  test('counts for a minute, and at once for all who ask', async () => {
    await Promise.all([permitted(question), permitted({ ...question, people: ['Mallory'] })])
    nowMs += 59_000
    await permitted(question)
    expect(asked).toEqual(['acme/shop mallory'])
    nowMs += 2000
    answers.mallory = 'write'
    expect(await permitted(question)).toBeNull()
  })

  test('counts no longer after the clock of the host was set back', async () => {
    vi.useFakeTimers({ now: new Date('2026-01-01T12:00:00Z') })
    const asking = permissionsOf({ forges: forgesFrom({ github }) })
    await asking({ ...question, people: ['jane'] })
    vi.advanceTimersByTime(61_000)
    vi.setSystemTime(new Date('2026-01-01T11:00:00Z'))
    answers.jane = 'none'
    expect(await asking({ ...question, people: ['jane'] })).toMatch('no write permission')
    vi.useRealTimers()
  })

  test('that failed is none: whoever asks next asks anew', async () => {
    answers.mallory = new RetryAt(new Date(), 'an outage')
    await expect(permitted(question)).rejects.toThrow(RetryAt)
    answers.mallory = 'read'
    expect(await permitted(question)).toContain('no write permission')
  })
})

test('an own write is one of the account that this program has', async () => {
  const own = { repository: 'acme/shop', people: [], ownAccount: 'signalbox[bot]' }
  expect(await permitted(own)).toBeNull()
  expect(await permitted({ ...own, ownAccount: 'mallory' })).toContain('is not the account')
})
