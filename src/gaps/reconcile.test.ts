// One look at a webhook: on PostgreSQL, with a forge that answers from a list.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import type { HookAttempt, HookForge, SentHook } from '../forges/hooks.ts'
import { fakeClock } from '../lib/clock.ts'
import { AppError, RetryAt } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Log } from '../lib/log.ts'
import { silentLog } from '../lib/log.ts'
import { getGap, listGaps, listHooks } from './query.ts'
import type { LookOptions, LookParts } from './reconcile.ts'
import { lookAt } from './reconcile.ts'
import { claimHook, releaseHooksOf, renewHook } from './store.ts'

const HOOK = 'repos/acme/shop/hooks/42'
const ADDRESS = 'https://box.example.com/webhook/github'
const DAY_MS = 24 * 60 * 60_000

let database: Database
let clock: ReturnType<typeof fakeClock>
let list: HookAttempt[]
let fetched: string[]
let warnings: string[]
let refusal: unknown
let recorded: { types: string[] }

beforeEach(async () => {
  database = await openTestDatabase()
  clock = fakeClock('2026-01-01T00:00:00Z')
  list = []
  fetched = []
  warnings = []
  refusal = null
  recorded = { types: [] }
  await look()
})
afterEach(() => database.close())

function sent(guid: string): SentHook {
  return { url: ADDRESS, headers: { guid }, payload: '{}' }
}

const forge: HookForge = {
  keptMs: 3 * DAY_MS,
  find: async () => ({ hooks: [HOOK], problems: [] }),
  async *attempts() {
    if (refusal !== null) throw refusal
    yield list
  },
  async sent(_, id) {
    const guid = list.find((each) => each.id === id)?.guid ?? ''
    fetched.push(guid)
    if (guid.startsWith('limit')) throw new RetryAt(new Date(), 'GitHub allows 999 more requests.')
    if (guid.startsWith('gone')) return null
    if (guid.startsWith('elsewhere'))
      return { ...sent(guid), url: 'https://old.example.com/', headers: {}, payload: '{}' }
    return guid.startsWith('empty') ? { url: ADDRESS, headers: {}, payload: null } : sent(guid)
  },
}

function look(options: LookOptions = {}, parts: Partial<LookParts> = {}) {
  const log: Log = {
    ...silentLog,
    warn: (about: object | string, message?: string) => void warnings.push(message ?? String(about)),
  }
  return lookAt(
    {
      database,
      clock,
      log,
      hooks: forge,
      owner: newId(),
      address: ADDRESS,
      recover: async ({ headers: { guid = '' } }) => {
        if (guid.startsWith('refused')) throw new AppError('body_invalid', 'The JSON is not an object.')
        if (guid.startsWith('broken')) throw new Error('a bug')
        return { id: newId(), duplicate: guid.startsWith('redelivered') }
      },
      recordIn: async (_, drafts) => {
        recorded.types.push(...drafts.map(({ deliveryId }) => deliveryId))
        return drafts.map(() => ({ status: 'ignored' }))
      },
      onWork: () => {},
      ...parts,
    },
    HOOK,
    options,
  )
}

function add(guid: string, status = 502): void {
  clock.advance(1000)
  list.unshift({ id: String(list.length), guid, at: clock.now(), status, event: 'push' })
}

test('what cannot be recovered is lost for a reason, and is not fetched again', async () => {
  for (const guid of ['gone', 'elsewhere', 'empty', 'refused', 'redelivered', 'fine']) add(guid)
  const found = await look()
  expect(found).toMatchObject({ missed: 6, recovered: 1, arrived: 1, lost: 4, pending: 0, problem: null })
  const gap = await getGap(database, found.gaps[0] ?? '')
  expect(gap.events.map(({ guid, outcome, reason }) => [guid, outcome, reason])).toEqual([
    ['gone', 'lost', 'The forge does not keep it any more.'],
    ['elsewhere', 'lost', 'It was sent to another address: https://old.example.com/'],
    ['empty', 'lost', 'The forge did not keep what was in it.'],
    ['refused', 'lost', 'body_invalid: The JSON is not an object.'],
    ['redelivered', 'arrived', null],
    ['fine', 'recovered', null],
  ])
  expect(fetched).toHaveLength(6)
  expect(await look()).toMatchObject({ missed: 0, gaps: [] })
  expect(fetched).toHaveLength(6)
  expect(recorded.types).toEqual([`gap_${gap.id}`])
})

test('where the forge has enough of it, the next look goes on, and the gap is reported once', async () => {
  for (const guid of ['a', 'b', 'limit', 'c']) add(guid)
  const first = await look()
  expect(first).toMatchObject({ missed: 4, recovered: 2, pending: 2, problem: 'GitHub allows 999 more requests.' })
  expect(recorded.types).toEqual([])
  expect(await listHooks(database)).toMatchObject([{ hook: HOOK, problem: 'GitHub allows 999 more requests.' }])
  await look()
  expect(warnings.filter((each) => each.includes('could not all be looked at'))).toHaveLength(1)

  list = list.map((each) => (each.guid === 'limit' ? { ...each, guid: 'late' } : each))
  await database.query("delete from signalbox.gap_deliveries where guid = 'limit'")
  const second = await look()
  expect(second).toMatchObject({ missed: 2, recovered: 2, gaps: first.gaps, problem: null })
  expect((await listGaps(database)).items).toMatchObject([{ deliveries: 4, recovered: 4 }])
  expect(recorded.types).toHaveLength(1)
})

test('a refusal of the forge is the problem of the webhook until it is over', async () => {
  refusal = new AppError('forge_failed', 'The token may not do that: it needs repository_hooks=read')
  expect(await look()).toMatchObject({ problem: expect.stringContaining('repository_hooks=read') })
  expect(await listHooks(database)).toMatchObject([{ problem: expect.stringContaining('repository_hooks=read') }])
  refusal = null
  await look()
  expect(await listHooks(database)).toMatchObject([{ problem: null }])
})

test('a fault on this side is thrown, and the next look begins again', async () => {
  add('broken')
  await expect(look()).rejects.toThrow('a bug')
  expect(await listHooks(database)).toMatchObject([{ problem: expect.stringContaining('the log says why') }])
  list = []
  add('fine')
  expect(await look()).toMatchObject({ recovered: 1, problem: null })
})

test('of a time that GitHub lists no longer, nothing is known, and that is a gap', async () => {
  const last = clock.now().toISOString()
  clock.advance(5 * DAY_MS)
  add('fine')
  const found = await look()
  const { items } = await listGaps(database)
  expect(items.find(({ reason }) => reason !== null)).toMatchObject({
    began_at: last,
    ended_at: new Date(clock.now().getTime() - 3 * DAY_MS).toISOString(),
    reason: `the forge lists deliveries for 3 days, and the last look was at ${last}`,
    deliveries: 0,
  })
  expect(found.gaps).toHaveLength(2)
  expect(warnings.join('\n')).toContain(`nothing is known of ${HOOK} from ${last}`)
  expect(await look()).toMatchObject({ gaps: [] })
})

test('a look that takes long leaves the rest to the next one', async () => {
  for (const guid of ['a', 'b']) add(guid)
  expect(await look({ untilMs: performance.now() })).toMatchObject({ recovered: 0, pending: 2 })
  expect(await look()).toMatchObject({ missed: 2, recovered: 2 })
})

test('one process looks at a time, and one that was stopped for long finds that another does', async () => {
  const one = { hook: HOOK, owner: newId() }
  expect(await claimHook(database, clock, one)).not.toBeNull()
  expect(await look()).toMatchObject({ since: null, problem: 'Another process looks at it now.' })
  clock.advance(10 * 60_000)
  expect(await look()).toMatchObject({ problem: null })
  expect(await renewHook(database, clock, one)).toBe(false)
})

test('what arrived and was refused for its signature is recovered on the word of the forge, and the gap says why', async () => {
  add('a', 401)
  add('b', 401)
  const { gaps, recovered } = await look()
  expect(recovered).toBe(2)
  expect(await getGap(database, gaps[0] ?? '')).toMatchObject({ deliveries: 2, refused: 2, recovered: 2 })
  expect(warnings.at(-1)).toMatch(
    /was refused from .*; all had arrived and were refused with 401.*signalbox github hook/,
  )
  clock.advance(10 * 60_000)
  add('fine', 200)
  clock.advance(10 * 60_000)
  add('c', 502)
  add('d', 401)
  const later = await look()
  expect(await getGap(database, later.gaps[0] ?? '')).toMatchObject({ deliveries: 2, refused: 1, recovered: 2 })
  expect(warnings.at(-1)).toMatch(/was not answered from .*; 1 of them had arrived and were refused with 401/)
})

test('a webhook is taken over at once from a node whose heartbeat is over, and not from one that beats', async () => {
  const other = { hook: HOOK, owner: newId() }
  await database.query(
    `insert into signalbox.nodes (id, host, pid, roles, lease_ms) values ($1, 'h', 1, '{}', 600000)`,
    [other.owner],
  )
  expect(await claimHook(database, clock, other)).not.toBeNull()
  expect(await look()).toMatchObject({ problem: 'Another process looks at it now.' })
  await database.query(`update signalbox.nodes set heartbeat_at = now() - interval '1 hour'`)
  expect(await look()).toMatchObject({ problem: null })
  expect(await renewHook(database, clock, other)).toBe(false)
})

test('what two nodes fetch at once, one of them taken for dead, is said to be recovered', async () => {
  for (const guid of ['a', 'b', 'c']) add(guid)
  const recover = async ({ headers: { guid = '' } }: SentHook) => {
    const { rowCount } = await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, recovered_at)
       values ($1, 'github', $2, 'push', 'ignored', 'no_match', now()) on conflict do nothing`,
      [newId(), guid],
    )
    const text = 'select id from signalbox.events where delivery_id = $1'
    const { rows } = await database.query<{ id: string }>(text, [guid])
    return { id: rows[0]?.id ?? '', duplicate: rowCount === 0 }
  }
  const [frozen, thawed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = look(
    {},
    {
      async recover(sent) {
        frozen.resolve()
        await thawed.promise
        return recover(sent)
      },
    },
  )
  await frozen.promise
  await database.query('update signalbox.hook_cursors set leased_until = $1', [clock.now()])
  const second = look(
    {},
    {
      async recover(sent) {
        const recorded = await recover(sent)
        thawed.resolve()
        await first
        return recorded
      },
    },
  )
  expect(await Promise.all([first, second])).toMatchObject([{ recovered: 3 }, { recovered: 3 }])
  expect((await listGaps(database)).items).toMatchObject([{ deliveries: 3, recovered: 3, arrived: 0 }])
})

test('the leases of owners that are known to be dead are ended, and those of others are not', async () => {
  const [dead, other] = [newId(), newId()]
  await claimHook(database, clock, { hook: HOOK, owner: other })
  await releaseHooksOf(database, [dead])
  expect(await look()).toMatchObject({ problem: 'Another process looks at it now.' })
  await releaseHooksOf(database, [dead, other])
  expect(await look()).toMatchObject({ problem: null })
})
