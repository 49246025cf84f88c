import { describe, expect, test } from 'vitest'
import type { Facts } from '../events/facts.ts'
import { explain } from './explain.ts'
import { jobsFor } from './jobs.ts'
import { compileRules, matchRules } from './match.ts'
import type { Rule } from './rule.ts'
import { standingOf, whoOfRule } from './who.ts'

const comment: Facts = {
  repository: 'acme/shop',
  number: 7,
  author: 'maintainer',
  sender: 'mallory',
  senderType: 'User',
  textAuthor: 'mallory',
  association: 'NONE',
}
function eventOf(facts: Facts = {}, type = 'issue_comment.created') {
  return { source: 'github', type, facts: { ...comment, ...facts } }
}
function refusal(who: Rule['who'], facts: Facts = {}, type?: string) {
  const standing = standingOf(who, eventOf(facts, type))
  return 'refusal' in standing ? standing.refusal : null
}
function question(who: Rule['who'], facts: Facts = {}, type?: string) {
  const standing = standingOf(who, eventOf(facts, type))
  return 'question' in standing ? standing.question : undefined
}

describe('a rule that does not say who', () => {
  test.each(['issue_comment.created', 'issues.opened', 'pull_request.opened', 'pull_request_review.submitted'])(
    'asks whether the sender of %s may write, whoever opened the issue',
    (type) => {
      expect(question(undefined, {}, type)).toMatchObject({
        repository: 'acme/shop',
        people: ['mallory'],
        permission: 'write',
      })
    },
  )

  test('asks nothing of pushes, deployments and the ends of jobs', () => {
    for (const type of ['push', 'environment.deployed', 'job.completed', 'release.published']) {
      expect(question(undefined, {}, type)).toBeNull()
    }
  })

  test('refuses bots and forks, and events without a sender', () => {
    expect(refusal(undefined, { senderType: 'Bot', sender: 'x[bot]' })).toBe(
      '`x[bot]` is a bot that who.bots does not name',
    )
    expect(refusal(undefined, { fromFork: true }, 'pull_request.opened')).toMatch('from a fork')
    const { sender: _, ...nobody } = comment
    expect(standingOf(undefined, { source: 'github', type: 'issues.opened', facts: nobody })).toEqual({
      refusal: 'the event does not say who sent it',
    })
  })

  test('that is for anyone asks nothing', () => {
    expect(question('anyone', { fromFork: true })).toBeNull()
  })

  test('says so to whoever asks why', () => {
    const rule: Rule = { name: 'triage', on: 'issue_comment.created', agent: 'triage' }
    const asked = explain(rule, eventOf())
    expect(asked).toMatchObject({ matched: true })
    expect(asked.sentence).toContain('the forge is asked before the job runs whether `mallory` may: permission write')
    expect(asked.checks.at(-1)).toEqual({ part: 'who', wanted: 'permission write', actual: 'mallory', holds: true })
    expect(explain(rule, eventOf({ senderType: 'Bot', sender: 'x[bot]' }))).toMatchObject({ matched: false })
    expect(jobsFor(compileRules([rule]), { ...eventOf(), id: 'e' })).toMatchObject([{ who: { people: ['mallory'] } }])
  })
})

describe('who', () => {
  test('names bots exactly, and a person of such a name is none', () => {
    const who = { bots: ['dependabot[bot]'] }
    expect(question(who, { sender: 'dependabot[bot]', senderType: 'Bot' })).toBeNull()
    for (const sender of ['dependabot2[bot]', 'dependabot', 'xdependabot[bot]', 'dependabot[bot]x']) {
      expect(refusal(who, { sender, senderType: 'Bot' })).not.toBeNull()
    }
    expect(refusal(who, { sender: 'dependabot[bot]', senderType: 'User' })).toBe(
      '`dependabot[bot]` is not one of those that who names',
    )
  })

  test('takes the association of the text for its writer only', () => {
    const who = { associations: ['MEMBER' as const] }
    const member = { association: 'MEMBER', textAuthor: 'Mallory' }
    expect(question(who, member)).toBeNull()
    expect(refusal(who, { ...member, textAuthor: 'jane' })).not.toBeNull()
    expect(refusal(who, { association: 'CONTRIBUTOR' })).not.toBeNull()
  })

  test('lets in whom one of its parts names', () => {
    const who = { users: ['Jane'], permission: 'admin' as const, teams: ['acme/core'] }
    expect(question(who, { sender: 'jane' })).toBeNull()
    expect(question(who)).toEqual({
      repository: 'acme/shop',
      people: ['mallory'],
      permission: 'admin',
      teams: ['acme/core'],
    })
    expect(refusal({ users: ['jane'] })).toBe('`mallory` is not one of those that who names')
  })

  test('is asked of who began the chain too', () => {
    expect(question(undefined, { sender: 'jane', originator: 'mallory' })?.people).toEqual(['jane', 'mallory'])
    expect(refusal({ users: ['jane'] }, { sender: 'jane', originator: 'mallory' })).toContain('mallory')
    expect(question({ users: ['jane'] }, { sender: 'jane', originator: 'Jane' })).toBeNull()
  })

  test('asks of an own write whose account that is, and who began the chain', () => {
    const own = { self: true, sender: 'signalbox[bot]', senderType: 'Bot' }
    expect(question(undefined, { ...own, originator: 'mallory' })).toMatchObject({
      ...{ people: ['mallory'], ownAccount: 'signalbox[bot]' },
    })
    expect(question(undefined, { ...own, originator: 'signalbox[bot]' })?.people).toEqual([])
    expect(refusal(undefined, own)).toContain('which of its jobs did is not known')
  })

  test('on a push is asked, and not where there is no sender at all', () => {
    expect(question({ permission: 'maintain' }, {}, 'push')).toMatchObject({ permission: 'maintain' })
    const deployed = { source: 'deployments', type: 'environment.deployed', facts: { app: 'bot' } }
    expect(standingOf({ permission: 'write' }, deployed)).toEqual({ question: null })
  })

  test("takes a fork's pull request when somebody else than its author asks for it", () => {
    const who = { forks: 'after-approval' as const }
    const fork = { fromFork: true, isPullRequest: true, author: 'mallory' }
    const approved = { ...fork, sender: 'jane', label: 'ok-to-run' }
    expect(question(who, approved, 'pull_request.labeled')?.people).toEqual(['jane'])
    expect(refusal(who, fork, 'pull_request.labeled')).toMatch('nobody but its author')
    expect(refusal(who, { ...approved }, 'pull_request.synchronize')).toMatch('nobody but its author')
    expect(question({ forks: 'always' }, fork, 'pull_request.opened')?.people).toEqual(['mallory'])
  })

  test('asks of a comment on a pull request whether that is from a fork, which it does not say', () => {
    expect(question(undefined, { isPullRequest: true })).toMatchObject({ refusesForks: true })
    expect(question({ forks: 'after-approval' }, { isPullRequest: true, command: 'review' })).not.toHaveProperty(
      'refusesForks',
    )
    expect(question({ users: ['mallory'] }, { isPullRequest: true })).toEqual({
      repository: 'acme/shop',
      people: [],
      refusesForks: true,
    })
  })
})

test('a condition can ask for the sender, the author and the writer of the text apart', () => {
  const rule: Rule = {
    name: 'r',
    on: '*.created',
    agent: 'a',
    who: 'anyone',
    when: { author: 'maintainer', sender: 'mallory', textAuthor: 'MALLORY', senderType: 'User', association: 'NONE' },
  }
  expect(matchRules(compileRules([rule]), eventOf())).toEqual([rule])
  expect(matchRules(compileRules([rule]), eventOf({ textAuthor: 'jane' }))).toEqual([])
})

test.each<[string, boolean]>([
  ['push', false],
  ['deployment*', false],
  ['environment.deployed', false],
  ['job.*', false],
  ['issues.opened', true],
  ['issue*', true],
  ['pull_request_review.submitted', true],
  ['{push,issues}.*', true],
  ['!push', true],
  ['*', true],
  ['command', true],
])('a rule for %s without a who is for people who may write: %s', (on, isRestricted) => {
  expect(whoOfRule({ on })).toEqual(isRestricted ? { permission: 'write' } : null)
  expect(whoOfRule({ on, who: 'anyone' })).toBe('anyone')
  expect(whoOfRule({ on, who: { forks: 'always' } })).toEqual({ permission: 'write', forks: 'always' })
  expect(whoOfRule({ on, who: { users: ['jane'] } })).toEqual({ users: ['jane'] })
})
