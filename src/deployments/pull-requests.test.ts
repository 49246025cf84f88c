import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database } from '../db/database.ts'
import { systemClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { deploymentsNamedIn, recordPullRequest } from './pull-requests.ts'
import { showDeployment } from './query.ts'
import { recordDeployment } from './record.ts'

const A = '01934e00-0000-7000-8000-00000000000a'
const B = '01934e00-0000-7000-8000-00000000000b'

type Change = { body?: string | null; ref?: string; headRepo?: string | null; action?: string } & Record<
  string,
  unknown
>

function payload({ body = null, ref = 'work', headRepo = 'acme/bot', action = 'opened', ...pull }: Change = {}) {
  return {
    action,
    repository: { full_name: 'acme/bot' },
    pull_request: {
      number: 7,
      html_url: 'https://github.com/acme/bot/pull/7',
      state: 'open',
      merged: false,
      merge_commit_sha: 'trial',
      merged_by: null,
      updated_at: '2026-01-01T00:00:00Z',
      body,
      head: { ref, repo: headRepo === null ? null : { full_name: headRepo } },
      base: { ref: 'main', repo: { full_name: 'acme/bot' } },
      ...pull,
    },
  }
}

describe('the deployments a pull request documents', () => {
  it.each([
    [`<!-- signalbox:key=deployment=deploy_${A} -->`],
    [`text\n\n<!-- signalbox:key=deployment=${A.toUpperCase()} series=deploy:bot:production order=3 -->\n`],
  ])('are read from the hidden marker %j', (body) => {
    expect(deploymentsNamedIn(payload({ body }))).toEqual([`deploy_${A}`])
  })

  it('are read from the branch, whatever the name of the application', () => {
    for (const ref of [`agenta/deploy-my-bot-${A}`, `agenta/deploy-bot-deploy_${A}`, `agenta/deploy-a-${B}-${A}`]) {
      expect(deploymentsNamedIn(payload({ ref }))).toEqual([`deploy_${A}`])
    }
  })

  it('are each named once, the branch and several markers together', () => {
    const body = `<!-- signalbox:key=deployment=deploy_${A} key=deployment=deploy_${B} order=2 -->`
    expect(deploymentsNamedIn(payload({ body, ref: `agenta/deploy-bot-${A}` }))).toEqual([`deploy_${A}`, `deploy_${B}`])
  })

  it.each([
    ['plain text', payload({ body: `key=deployment=deploy_${A} ` })],
    ['a comment of someone else', payload({ body: `<!-- key=deployment=deploy_${A} -->` })],
    ['an id that is not ours', payload({ body: '<!-- signalbox:key=deployment=deploy_1234567890 -->' })],
    ['an id with something behind it', payload({ body: `<!-- signalbox:key=deployment=${A}0 -->` })],
    ['an application named like one', payload({ body: `<!-- signalbox:series=deploy:key=deployment=${A}:x -->` })],
    ['another branch', payload({ ref: `feature/deploy-bot-${A}` })],
    ['a fork', payload({ ref: `agenta/deploy-bot-${A}`, headRepo: 'mallory/bot' })],
    ['a deleted fork', payload({ ref: `agenta/deploy-bot-${A}`, headRepo: null })],
    ['a payload of another event', { action: 'opened', issue: { number: 7 } }],
    ['no object at all', null],
  ])('are none for %s', (_, hook) => {
    expect(deploymentsNamedIn(hook)).toEqual([])
  })

  it('are found in linear time, however hostile the body', () => {
    const startedAt = performance.now()
    deploymentsNamedIn(payload({ body: '<!-- signalbox:'.repeat(4300) }))
    deploymentsNamedIn(payload({ body: `<!-- signalbox:${` key=deployment=${A}`.repeat(1200)} -->` }))
    expect(performance.now() - startedAt).toBeLessThan(1000)
  })
})

describe('a pull request reported by GitHub', () => {
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
    const recordEvent = async () => ({ id: newId() })
    return (await recordDeployment({ database, clock: systemClock, recordEvent }, request)).deployment.id
  }
  const report = (change: Change) => recordPullRequest(database, { eventId: newId(), payload: payload(change) })
  const stateOf = async (id: string) => (await showDeployment(database, id)).pull_requests.map((pull) => pull.state)
  const marker = (id: string) => `<!-- signalbox:key=deployment=${id} -->`
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString().replace('.000Z', 'Z')
  const merged = {
    action: 'closed',
    state: 'closed',
    merged: true,
    merge_commit_sha: 'abc',
    merged_by: { login: 'jane' },
  }

  it('is stored against the deployment, from opened to merged', async () => {
    const id = await deploy()
    await report({ body: marker(id), updated_at: at(1) })
    const pull = { repository: 'acme/bot', number: 7, url: 'https://github.com/acme/bot/pull/7' }
    expect((await showDeployment(database, id)).pull_requests).toEqual([
      { ...pull, state: 'open', merge_sha: null, merged_by: null, updated_at: new Date(at(1)).toISOString() },
    ])
    await report({ body: marker(id), updated_at: at(2), ...merged })
    expect((await showDeployment(database, id)).pull_requests).toEqual([
      { ...pull, state: 'merged', merge_sha: 'abc', merged_by: 'jane', updated_at: new Date(at(2)).toISOString() },
    ])
  })

  it('is not undone by a webhook that arrives late', async () => {
    const id = await deploy()
    const body = marker(id)
    await report({ body, number: 8, action: 'closed', state: 'closed', updated_at: at(5) })
    await report({ body, number: 8, action: 'edited', updated_at: at(4) })
    expect(await stateOf(id)).toEqual(['closed'])
    await report({ body, number: 8, action: 'edited', updated_at: at(5) })
    expect(await stateOf(id)).toEqual(['closed'])
    await report({ body, number: 8, action: 'reopened', updated_at: at(5) })
    expect(await stateOf(id)).toEqual(['open'])
    await report({ body, number: 8, ...merged, updated_at: at(6) })
    await report({ body, number: 8, action: 'closed', state: 'closed', updated_at: at(7) })
    expect(await stateOf(id)).toEqual(['merged'])
  })

  it('tells on a deployment whose place on it was taken by a later one', async () => {
    const [first, second] = [await deploy(), await deploy()]
    await report({ body: marker(first), number: 9, updated_at: at(1) })
    await report({ body: marker(second), number: 9, updated_at: at(2) })
    await report({ body: marker(second), number: 9, updated_at: at(3), ...merged })
    expect([await stateOf(first), await stateOf(second)]).toEqual([['merged'], ['merged']])
  })

  it('is passed over when it names no deployment of ours, or is malformed', async () => {
    const before = await database.query('select 1 from signalbox.deployment_pull_requests')
    await report({ body: marker(`deploy_${A}`), number: 10 })
    const id = await deploy()
    for (const wrong of [
      { number: 2 ** 40 },
      { number: 'x' },
      { updated_at: 'yesterday' },
      { html_url: 'javascript:alert(1)' },
      { html_url: 'https://github.com/\u0000' },
      { state: 'merged' },
      { merged: true, merge_commit_sha: '\u0000' },
    ]) {
      await report({ body: marker(id), ...wrong })
    }
    expect((await database.query('select 1 from signalbox.deployment_pull_requests')).rowCount).toBe(before.rowCount)
  })
})
