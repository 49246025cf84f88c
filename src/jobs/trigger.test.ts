import { expect, test } from 'vitest'
import type { Event } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import type { PullRequestHead, ReadForge } from '../forges/forge.ts'
import type { Question } from '../rules/who.ts'
import { triggerOf } from './trigger.ts'

const sha = 'a'.repeat(40)
function at(minutes: number) {
  return new Date(Date.UTC(2026, 0, 1, 12, minutes))
}
const question: Question = { repository: 'acme/shop', people: [], refusesForks: true }

/** The event of a comment that was written at 12:10, as an agent gets it. */
function triggered(found: PullRequestHead | null, options: { who?: Question | null; facts?: Facts } = {}) {
  const facts = { repository: 'acme/shop', number: 7, isPullRequest: true, ...options.facts }
  const event = { facts, receivedAt: at(30) } as Event
  const forge = { pullRequestHead: async () => found } as unknown as ReadForge
  const payloadOf = () => ({ comment: { created_at: at(10).toISOString() } })
  const parts = { forge, payloadOf, permitted: async () => null }
  return triggerOf(parts, { who: options.who ?? null }, { event, step: async (_, fn) => fn() })
}

test("a comment on a pull request is for the head's commit", async () => {
  const trigger = await triggered({ sha, fromFork: false, pushedAt: at(20) })
  expect(trigger?.facts).toMatchObject({ sha, fromFork: false })
})

test('what a fork was pushed to after the comment is not taken', async () => {
  expect((await triggered({ sha, fromFork: true, pushedAt: at(5) }))?.facts).toMatchObject({ sha, fromFork: true })
  for (const pushedAt of [at(11), null]) {
    await expect(triggered({ sha, fromFork: true, pushedAt })).rejects.toThrow('pushed to after the comment')
  }
})

test('a fork, or one that is gone, is refused where the rule refuses forks', async () => {
  const who = question
  await expect(triggered({ sha, fromFork: true, pushedAt: at(5) }, { who })).rejects.toThrow('from a fork')
  await expect(triggered(null, { who })).rejects.toThrow('from a fork')
  expect((await triggered({ sha, fromFork: false, pushedAt: null }, { who }))?.facts.sha).toBe(sha)
})

test('the commit that an event says is not asked for', async () => {
  const own = 'b'.repeat(40)
  expect((await triggered(null, { facts: { sha: own } }))?.facts.sha).toBe(own)
})

test('nothing that must be asked is done when nobody can be asked', async () => {
  const parts = { forge: null, payloadOf: () => null }
  const work = triggerOf(parts, { who: question }, { event: null, step: async (_, fn) => fn() })
  await expect(work).rejects.toThrow('nobody can be asked')
})

test('a job of which there are too many is skipped before anybody is asked', async () => {
  const parts = { forge: null, payloadOf: () => null, overCeiling: async () => 'it is one too many' }
  const work = triggerOf(parts, { who: question }, { event: null, step: async (_, fn) => fn() })
  await expect(work).rejects.toThrow('skipped: it is one too many')
})
