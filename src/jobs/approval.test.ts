// Which answers to an approval count.
import { describe, expect, it } from 'vitest'
import type { Event } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import type { ReadForge } from '../forges/forge.ts'
import { standingOf, whoSchema } from '../rules/who.ts'
import type { Asked, JudgeParts } from './approval.ts'
import { answerIn, judge } from './approval.ts'

const SHA = 'a'.repeat(40)
const OTHER = 'b'.repeat(40)
const PLACE = { repository: 'acme/shop', number: 7 }
const asked: Asked = {
  reason: 'r',
  who: { permission: 'write', bots: ['merge[bot]'] },
  sha: SHA,
  outputs: null,
  outputs_sha256: null,
}

function verdict(
  facts: Facts,
  { type = 'issue_comment.created', head = SHA, payload = {} as unknown, decision = 'approve' as const } = {},
) {
  const event = {
    id: 'e',
    source: 'github',
    type,
    facts: { ...PLACE, sender: 'jane', senderType: 'User', ...facts },
  } as Event
  const parts: JudgeParts = {
    approvers: { who: whoSchema, standing: standingOf },
    forge: { pullRequestHead: async () => ({ sha: head, fromFork: false, pushedAt: null }) } as unknown as ReadForge,
    permitted: async ({ people }) => (people.includes('jane') ? null : 'no'),
    loadEvent: async () => event,
    payloadOf: () => payload,
  }
  const answer = {
    id: 'a',
    name: 'n',
    eventId: 'e',
    decision,
    by: 'jane',
    via: 'comment',
    reason: null,
    at: new Date(0),
  } as const
  return judge(parts, { asked, place: PLACE }, answer)
}
const approved = {
  result: { approved: true, how: 'comment', by: 'jane', reason: null, at: '1970-01-01T00:00:00.000Z' },
}

describe('an answer', () => {
  it('counts for the head that was asked about', async () => {
    expect(await verdict({})).toEqual(approved)
  })

  it('is void when the head has moved, though no event said so', async () => {
    expect(await verdict({}, { head: OTHER })).toMatchObject({ result: { approved: false, how: 'moved' } })
  })

  it('counts on the pull request of a fork, whose origin says nothing of who answers', async () => {
    expect(await verdict({ isPullRequest: true, fromFork: true, author: 'mallory' })).toEqual(approved)
  })

  it('that Signalbox wrote itself does not count, whoever began the chain', async () => {
    expect(await verdict({ self: true, originator: 'jane' })).toEqual({ refusal: 'Signalbox wrote it' })
  })

  it('of a bot counts by its name only', async () => {
    const bot = { sender: 'evil[bot]', senderType: 'Bot' }
    expect(await verdict(bot)).toEqual({ refusal: '`evil[bot]` is a bot that who.bots does not name' })
    expect(await verdict({ ...bot, sender: 'merge[bot]' })).toEqual(approved)
  })

  it('of a review counts for the commit that was reviewed', async () => {
    const type = 'pull_request_review.submitted'
    const of = (commit_id: string) => ({ type, payload: { review: { state: 'approved', commit_id } } })
    expect(await verdict({}, of(SHA))).toEqual(approved)
    expect(await verdict({}, of(OTHER))).toEqual({ refusal: `the review is of ${OTHER}, and not of ${SHA}` })
  })

  it.each([
    ['issue_comment.created', { command: 'approve', arguments: ['fine'] }, {}, { decision: 'approve', reason: 'fine' }],
    ['issue_comment.created', { command: 'reject' }, {}, { decision: 'reject', reason: null }],
    ['issue_comment.created', { command: 'approved' }, {}, null],
    ['pull_request_review.submitted', {}, { review: { state: 'approved' } }, { decision: 'approve', via: 'review' }],
    ['pull_request_review.submitted', {}, { review: { state: 'commented' } }, null],
    ['pull_request.synchronize', {}, {}, { decision: 'moved' }],
  ])('is read from %s %j %j', (type, facts, payload, expected) => {
    const found = answerIn({ type, facts, actor: null }, payload)
    if (expected === null) expect(found).toBeNull()
    else expect(found).toMatchObject(expected)
  })
})
