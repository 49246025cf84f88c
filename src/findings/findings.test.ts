// The ledger: what reviews store, and what later ones and people read of it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Found, Ledger, ReturnedReview, Scope } from './finding.ts'
import { reviewSchema } from './finding.ts'
import { FINDING } from './fixtures/finding.ts'
import { DEFAULT_MUTING, precisionOf, readMuting } from './precision.ts'
import { dismissFinding, getFinding, ledgerOn, listFindings } from './query.ts'
import { storeReview } from './store.ts'

const clock = fakeClock()
const SHA = 'a'.repeat(40)
const LATER = 'b'.repeat(40)
const PULL: Scope = { repository: 'acme/shop', pullRequest: 7 }
const OTHER: Scope = { repository: 'acme/shop', pullRequest: 8 }

let database: Database
let ledger: Ledger
beforeAll(async () => {
  database = await openTestDatabase()
  ledger = ledgerOn(database, DEFAULT_MUTING)
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.findings, signalbox.reviews, signalbox.reviewed_files')
})

function found(name: string, change: Partial<Found> = {}): Found {
  return {
    ...FINDING,
    title: `Finding ${name}`,
    fingerprint: Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32),
    ...change,
  }
}

async function store(review: Partial<ReturnedReview>, jobId = newId()) {
  const parsed = reviewSchema.parse({ scope: PULL, sha: SHA, ...review })
  await database.transaction((tx) => storeReview(tx, clock, jobId, parsed))
  return jobId
}
async function statuses(scope: Scope = PULL) {
  return Object.fromEntries(
    (await ledger.of(scope)).map(({ title, status }) => [title.replace('Finding ', ''), status]),
  )
}

describe('a review', () => {
  it('leaves its findings, which the next one of the pull request reads', async () => {
    const one = found('one', { startLine: 2, suggestion: 'const a = 1' })
    const jobId = await store({ found: [one, found('two', { line: null })] })
    const [first, second, ...others] = await ledger.of(PULL)
    expect(others).toEqual([])
    const kept = { status: 'open', reason: null, firstSha: SHA, lastSha: SHA, thread: null, commentUrl: null }
    expect([first, second].sort((a, b) => (a!.title < b!.title ? -1 : 1))).toEqual([
      { ...one, ...kept, id: expect.any(String) },
      { ...found('two', { line: null }), ...kept, id: expect.any(String) },
    ])
    expect(await ledger.of(OTHER)).toEqual([])
    expect(await ledger.of({ repository: 'acme/shop', branch: 'main' })).toEqual([])
    expect((await getFinding(database, first!.id)).job_id).toBe(jobId)
  })

  it('stored twice leaves the same', async () => {
    const review = { found: [found('one'), found('one')], reviewed: { [SHA]: [found('one')] } }
    await store(review)
    const before = await ledger.of(PULL)
    await store(review)
    expect(await ledger.of(PULL)).toEqual(before)
    expect(before).toHaveLength(1)
  })

  it('moves a finding that it found again, and keeps where it was found first', async () => {
    await store({ found: [found('one')] })
    await store({ sha: LATER, found: [found('one', { line: 30, body: 'Still there.' })] })
    expect(await ledger.of(PULL)).toMatchObject([{ line: 30, body: 'Still there.', firstSha: SHA, lastSha: LATER }])
  })

  it('resolves what was mended, outdates what is gone, and reopens what came back', async () => {
    await store({ found: [found('one'), found('two'), found('three')] })
    const { fingerprint } = found('one')
    await store({
      sha: LATER,
      changes: [
        { fingerprint, status: 'resolved', thread: 'T1', commentUrl: 'https://x.test/1' },
        { fingerprint: found('two').fingerprint, status: 'outdated' },
      ],
    })
    expect(await statuses()).toEqual({ one: 'resolved', two: 'outdated', three: 'open' })
    expect(await ledger.of(PULL)).toContainEqual(
      expect.objectContaining({ thread: 'T1', commentUrl: 'https://x.test/1' }),
    )
    await store({ sha: LATER, found: [found('one')] })
    expect(await statuses()).toEqual({ one: 'open', two: 'outdated', three: 'open' })
  })

  it('does not find again what somebody dismissed, in any pull request of the repository', async () => {
    const { fingerprint } = found('one')
    await store({ found: [found('one')] })
    await store({ scope: OTHER, found: [found('one')] })
    await store({ changes: [{ fingerprint, status: 'dismissed', reason: 'It is meant so.' }] })
    expect([await statuses(), await statuses(OTHER)]).toEqual([{ one: 'dismissed' }, { one: 'dismissed' }])
    await store({ found: [found('one')], changes: [{ fingerprint, status: 'resolved' }] })
    await store({ scope: { repository: 'acme/shop', branch: 'main' }, found: [found('one')] })
    expect(await statuses()).toEqual({ one: 'dismissed' })
    expect(await statuses({ repository: 'acme/shop', branch: 'main' })).toEqual({})
    const asked = [fingerprint, found('two').fingerprint]
    expect(await ledger.dismissed('github:acme/shop', asked)).toEqual([fingerprint])
    await store({ scope: { repository: 'acme/other', pullRequest: 7 }, found: [found('one')] })
    expect(await statuses({ repository: 'acme/other', pullRequest: 7 })).toEqual({ one: 'open' })
  })

  it('remembers what it read until the next one has read something else', async () => {
    const [a, b, c] = ['aa', 'bb', 'cc'].map((each) => each.repeat(16)) as [string, string, string]
    await store({ reviewed: { [a]: [], [b]: [found('one')] } })
    await store({ scope: OTHER, reviewed: { [a]: [found('two')] } })
    expect(await ledger.reviewed(PULL)).toEqual({ [a]: [], [b]: [found('one')] })
    await store({ reviewed: { [b]: [found('one')], [c]: [] } })
    expect(await ledger.reviewed(PULL)).toEqual({ [b]: [found('one')], [c]: [] })
    await store({ found: [found('one')] })
    expect(Object.keys(await ledger.reviewed(PULL)).sort()).toEqual([b, c])
    expect(await ledger.reviewed(OTHER)).toEqual({ [a]: [found('two')] })
  })

  it('stores text that PostgreSQL would refuse', async () => {
    await store({ found: [found('one', { path: 'a\0.ts', body: 'half \ud83d a pair' })] })
    expect(await ledger.of(PULL)).toMatchObject([{ path: 'a\ufffd.ts', body: 'half \ufffd a pair' }])
  })
})

describe('a category', () => {
  /** Decides so many findings of a category; the first ones are accepted. */
  async function decide(category: string, accepted: number, dismissed: number) {
    const all = Array.from({ length: accepted + dismissed }, (_, at) => found(`${category}-${at}`, { category }))
    await store({ found: all })
    const status = (at: number) => (at < accepted ? ('resolved' as const) : ('dismissed' as const))
    await store({ changes: all.map(({ fingerprint }, at) => ({ fingerprint, status: status(at) })) })
  }

  it('mutes itself when ten were decided and fewer than three in ten accepted, but for secrets', async () => {
    await decide('noise', 2, 8)
    await decide('useful', 3, 7)
    await decide('young', 0, 9)
    await decide('secret', 0, 10)
    await store({ found: [found('open', { category: 'noise' })] })
    expect(await ledger.muted('acme/shop')).toEqual(['noise'])
    expect(await ledger.muted('acme/other')).toEqual([])
    expect(await precisionOf(database, DEFAULT_MUTING, null)).toEqual([
      { repository: 'acme/shop', category: 'noise', accepted: 2, dismissed: 8, open: 1, share: 0.2, muted: true },
      { repository: 'acme/shop', category: 'secret', accepted: 0, dismissed: 10, open: 0, share: 0, muted: false },
      { repository: 'acme/shop', category: 'useful', accepted: 3, dismissed: 7, open: 0, share: 0.3, muted: false },
      { repository: 'acme/shop', category: 'young', accepted: 0, dismissed: 9, open: 0, share: 0, muted: false },
    ])
  })

  it('counts a finding once, however many pull requests have it', async () => {
    await store({ found: [found('one')] })
    await store({ scope: OTHER, found: [found('one')] })
    await store({ changes: [{ fingerprint: found('one').fingerprint, status: 'resolved' }] })
    expect(await precisionOf(database, DEFAULT_MUTING, 'acme/shop')).toMatchObject([
      { accepted: 1, dismissed: 0, open: 0 },
    ])
  })

  it('is muted as the operator says', async () => {
    await decide('noise', 2, 8)
    const muted = (mute: Parameters<typeof readMuting>[0]) => ledgerOn(database, readMuting(mute)).muted('acme/shop')
    expect(await muted(undefined)).toEqual(['noise'])
    expect(await muted(false)).toEqual([])
    expect(await muted({ never: ['noise'] })).toEqual([])
    expect(await muted({ accepted: 0.2 })).toEqual([])
    expect(await muted({ decided: 11 })).toEqual([])
    expect(() => readMuting({ acepted: 1 } as object)).toThrow(
      'mute: unknown field "acepted"; did you mean "accepted"?',
    )
  })
})

describe('people', () => {
  it('list findings, filtered, page by page, newest first', async () => {
    for (const name of ['one', 'two', 'three']) {
      await store({ found: [found(name, { category: name })] })
      clock.advance(1000)
    }
    await store({ scope: { repository: 'acme/shop', branch: 'main' }, found: [found('four')] })
    const titles = async (filter: Parameters<typeof listFindings>[1]) =>
      (await listFindings(database, filter)).items.map(({ title }) => title.replace('Finding ', ''))
    expect(await titles({})).toEqual(['four', 'three', 'two', 'one'])
    expect(await titles({ pull_request: 7, repository: 'github:acme/shop' })).toEqual(['three', 'two', 'one'])
    expect(await titles({ branch: 'main' })).toEqual(['four'])
    expect(await titles({ category: 'two', status: 'open' })).toEqual(['two'])
    expect(await titles({ status: 'resolved' })).toEqual([])
    const { next } = await listFindings(database, { limit: 3 })
    expect(await titles({ limit: 3, cursor: next! })).toEqual(['one'])
  })

  it('dismiss one for good', async () => {
    await store({ found: [found('one')] })
    const [one] = await ledger.of(PULL)
    const dismissed = await dismissFinding(database, clock, { id: one!.id, reason: 'It is meant so.' })
    expect(dismissed).toMatchObject({ status: 'dismissed', reason: 'It is meant so.', decided_at: expect.any(String) })
    expect(await dismissFinding(database, clock, { id: one!.id, reason: 'Again.' })).toEqual(dismissed)
    await expect(dismissFinding(database, clock, { id: newId() })).rejects.toThrow('There is no finding')
  })
})
