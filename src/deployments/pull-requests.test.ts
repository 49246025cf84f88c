import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cpuMs } from '../../test/cpu-time.ts'
import { openTestDatabase } from '../../test/database.ts'
import { draft } from '../../test/drafts.ts'
import type { Database } from '../db/database.ts'
import type { NewEvent } from '../events/event.ts'
import type { PullRequest } from '../events/pull-request.ts'
import { systemClock } from '../lib/clock.ts'
import { deploymentsNamedIn, trackPullRequests } from './pull-requests.ts'
import { showDeployment } from './query.ts'
import { recordDeployment } from './record.ts'

const A = '01934e00-0000-7000-8000-00000000000a'
const B = '01934e00-0000-7000-8000-00000000000b'

type Change = Partial<Omit<PullRequest, 'head'>> & Partial<PullRequest['head']>

function pullRequest({ ref = 'work', fromFork = false, ...change }: Change = {}): PullRequest {
  return {
    repository: 'acme/bot',
    number: 7,
    url: 'https://github.com/acme/bot/pull/7',
    state: 'open',
    reopened: false,
    mergeSha: null,
    mergedBy: null,
    head: { ref, fromFork },
    body: null,
    updatedAt: new Date('2026-01-01T00:00:00Z'),
    ...change,
  }
}

/** The event of a push, or one that says this of a pull request. */
function eventOf(pull?: PullRequest): NewEvent {
  const event = draft({ type: pull ? 'pull_request.edited' : 'push', ...(pull && { pullRequest: pull }) })
  return { ...event, status: 'ignored', reason: 'no rule', jobs: [], deliveries: [] }
}

describe('the deployments a pull request documents', () => {
  it.each([
    [`<!-- signalbox:key=deployment=deploy_${A} -->`],
    [`text\n\n<!-- signalbox:key=deployment=${A.toUpperCase()} series=deploy:bot:production order=3 -->\n`],
  ])('are read from the hidden marker %j', (body) => {
    expect(deploymentsNamedIn(pullRequest({ body }))).toEqual([A])
  })

  it('are read from the branch, whatever the name of the application', () => {
    for (const ref of [`agenta/deploy-my-bot-${A}`, `agenta/deploy-bot-deploy_${A}`, `agenta/deploy-a-${B}-${A}`]) {
      expect(deploymentsNamedIn(pullRequest({ ref }))).toEqual([A])
    }
  })

  it('are each named once, the branch and several markers together', () => {
    const body = `<!-- signalbox:key=deployment=deploy_${A} key=deployment=deploy_${B} order=2 -->`
    expect(deploymentsNamedIn(pullRequest({ body, ref: `agenta/deploy-bot-${A}` }))).toEqual([A, B])
  })

  it.each([
    ['plain text', { body: `key=deployment=deploy_${A} ` }],
    ['a comment without our mark', { body: `<!-- key=deployment=deploy_${A} -->` }],
    ['an id that is not a UUID', { body: '<!-- signalbox:key=deployment=deploy_1234567890 -->' }],
    ['an id with something after it', { body: `<!-- signalbox:key=deployment=${A}0 -->` }],
    ['an application named like one', { body: `<!-- signalbox:series=deploy:key=deployment=${A}:x -->` }],
    ['another branch', { ref: `feature/deploy-bot-${A}` }],
    ['a fork', { ref: `agenta/deploy-bot-${A}`, fromFork: true }],
  ])('are none for %s', (_, change) => {
    expect(deploymentsNamedIn(pullRequest(change))).toEqual([])
  })

  it('are found in linear time, however hostile the body', () => {
    const tookMs = cpuMs(() => {
      deploymentsNamedIn(pullRequest({ body: '<!-- signalbox:'.repeat(4300) }))
      deploymentsNamedIn(pullRequest({ body: `<!-- signalbox:${` key=deployment=${A}`.repeat(1200)} -->` }))
    })
    expect(tookMs).toBeLessThan(1000)
  })

  it('are at most a hundred', () => {
    const keys = Array.from({ length: 300 }, (_, i) => ` key=deployment=${A.slice(0, -3)}${String(i).padStart(3, '0')}`)
    expect(deploymentsNamedIn(pullRequest({ body: `<!-- signalbox:${keys.join('')} -->` }))).toHaveLength(100)
  })
})

/** Every test but one is about a repository where pull requests are expected. */
const tracked = trackPullRequests(['acme/bot', 'gitlab:acme/bot'], systemClock)

describe('the reaction', () => {
  it('is for events of a pull request of the repository itself, and for no others', () => {
    expect(tracked.on(eventOf())).toBe(false)
    expect(tracked.on(eventOf(pullRequest({ fromFork: true })))).toBe(false)
    expect(tracked.on(eventOf(pullRequest()))).toBe(true)
  })
})

describe('a reported pull request', () => {
  let database: Database
  beforeAll(async () => {
    database = await openTestDatabase()
  })
  afterAll(() => database.close())

  const deploy = async (): Promise<string> => {
    const request = {
      project_id: 'p',
      app_name: 'bot',
      variant_name: 'v',
      environment: 'production',
      config: {},
      deployed_by: 'jane',
    }
    const context = { database, clock: systemClock, recordIn: async () => [], onWork: () => {} }
    return (await recordDeployment(context, request)).id
  }
  const report = async (change: Change, reaction = tracked) => {
    const event = eventOf(pullRequest(change))
    if (reaction.on(event)) await reaction.run(database, event)
    return event.id
  }
  const stateOf = async (id: string) => (await showDeployment(database, id)).pull_requests.map((pull) => pull.state)
  const marker = (id: string) => `<!-- signalbox:key=deployment=${id} -->`
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second))
  const merged: Change = { state: 'merged', mergeSha: 'abc', mergedBy: 'jane', mergedAt: at(0) }

  it('is stored against the deployment, from opened to merged', async () => {
    const id = await deploy()
    await report({ body: marker(id), updatedAt: at(1) })
    const pull = { repository: 'acme/bot', number: 7, url: 'https://github.com/acme/bot/pull/7' }
    expect((await showDeployment(database, id)).pull_requests).toEqual([
      { ...pull, state: 'open', merge_sha: null, merged_by: null, merged_at: null, updated_at: at(1).toISOString() },
    ])
    const eventId = await report({ body: marker(id), updatedAt: at(2), ...merged })
    expect((await showDeployment(database, id)).pull_requests).toEqual([
      {
        ...pull,
        state: 'merged',
        merge_sha: 'abc',
        merged_by: 'jane',
        merged_at: at(0).toISOString(),
        updated_at: at(2).toISOString(),
      },
    ])
    const { rows } = await database.query('select event_id from signalbox.deployment_pull_requests where number = 7')
    expect(rows).toContainEqual({ event_id: eventId })
  })

  it('is an event of its own when it is merged, once', async () => {
    const [first, second] = [await deploy(), await deploy()]
    const body = marker(first) + marker(second)
    const say = async (change: Change) => tracked.run(database, eventOf(pullRequest({ body, number: 71, ...change })))
    expect(await say({ updatedAt: at(1) })).toEqual([])
    const [event, ...others] = await say({ ...merged, updatedAt: at(2) })
    expect(others).toEqual([])
    expect(event).toMatchObject({
      type: 'environment.merged',
      source: 'signalbox',
      subject: 'acme/bot#71',
      happenedAt: at(2),
      facts: {
        repository: 'acme/bot',
        number: 71,
        isPullRequest: true,
        sha: 'abc',
        app: 'bot',
        environment: 'production',
        project: 'p',
        sender: 'jane',
      },
    })
    expect(JSON.parse(String(event?.body))).toMatchObject({ data: { deployment_id: second, merge_sha: 'abc' } })
    expect(await say({ ...merged, updatedAt: at(3) })).toEqual([])
    expect(await say({ ...merged, body: '', number: 72 })).toEqual([])
  })

  it('of another forge stands beside one of the same number on the default one', async () => {
    const id = await deploy()
    await report({ body: marker(id), number: 70 })
    await report({ body: marker(id), number: 70, repository: 'gitlab:acme/bot', ...merged })
    const pulls = (await showDeployment(database, id)).pull_requests
    expect(pulls.map(({ repository, state }) => [repository, state])).toEqual([
      ['acme/bot', 'open'],
      ['gitlab:acme/bot', 'merged'],
    ])
  })

  it('is not undone by a webhook that arrives late', async () => {
    const id = await deploy()
    const body = marker(id)
    await report({ body, number: 8, state: 'closed', updatedAt: at(5) })
    await report({ body, number: 8, updatedAt: at(4) })
    expect(await stateOf(id)).toEqual(['closed'])
    await report({ body, number: 8, updatedAt: at(5) })
    expect(await stateOf(id)).toEqual(['closed'])
    await report({ body, number: 8, reopened: true, updatedAt: at(5) })
    expect(await stateOf(id)).toEqual(['open'])
    await report({ body, number: 8, ...merged, updatedAt: at(6) })
    await report({ body, number: 8, state: 'closed', updatedAt: at(7) })
    expect(await stateOf(id)).toEqual(['merged'])
  })

  it('also counts for a deployment whose place on it was taken by a later one', async () => {
    const [first, second] = [await deploy(), await deploy()]
    await report({ body: marker(first), number: 9, updatedAt: at(1) })
    await report({ body: marker(second), number: 9, updatedAt: at(2) })
    await report({ body: marker(second), number: 9, updatedAt: at(3), ...merged })
    expect([await stateOf(first), await stateOf(second)]).toEqual([['merged'], ['merged']])
  })

  it('still counts when a person has removed its marker', async () => {
    const id = await deploy()
    await report({ body: marker(id), number: 11, updatedAt: at(1) })
    await report({ body: 'Rewritten by hand.', number: 11, updatedAt: at(2), ...merged })
    expect(await stateOf(id)).toEqual(['merged'])
  })

  it('that never named a deployment is not stored', async () => {
    await report({ body: 'Fix a typo', number: 12 })
    const { rowCount } = await database.query('select 1 from signalbox.deployment_pull_requests where number = 12')
    expect(rowCount).toBe(0)
  })

  it('that names a deployment which does not exist changes nothing', async () => {
    const before = await database.query('select 1 from signalbox.deployment_pull_requests')
    await report({ body: marker(`deploy_${A}`), number: 10 })
    expect((await database.query('select 1 from signalbox.deployment_pull_requests')).rowCount).toBe(before.rowCount)
  })

  it('is believed only in a repository of the configuration, or of an output of the deployment itself', async () => {
    const id = await deploy()
    const other = await deploy()
    const report13 = (repository: string) =>
      report(
        { body: marker(id) + marker(other), number: 13, repository, ...merged },
        trackPullRequests(['acme/set'], systemClock),
      )
    const { rows } = await database.query<{ event_id: string }>(
      'select event_id from signalbox.deployments where id = $1',
      [id.replace('deploy_', '')],
    )
    await database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status) values ($1, 's', $1::uuid::text, 't', 'routed')`,
      [rows[0]?.event_id],
    )
    await database.query(
      `with job as (
         insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms)
         values (gen_random_uuid(), $1, 'r', 't', 'a', '{}', 5, 5, 60000) returning id
       )
       insert into signalbox.outputs (id, job_id, position, kind, repository, body)
       select gen_random_uuid(), id, 0, 'pull_request', 'Acme/Own', '{}' from job`,
      [rows[0]?.event_id],
    )
    for (const repository of ['elsewhere/own', 'acme/bot', 'acme/own', 'acme/set']) await report13(repository)
    const places = async (deployment: string) =>
      (await showDeployment(database, deployment)).pull_requests.map(({ repository }) => repository)
    expect(await places(id)).toEqual(['acme/own', 'acme/set'])
    expect(await places(other)).toEqual(['acme/set'])
  })
})
