import type { EnvironmentDeployed } from '@signalbox/sdk'
import { isEnvironmentDeployed } from '@signalbox/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import type { Database, Sql } from '../db/database.ts'
import type { Draft } from '../events/event.ts'
import { fakeClock, systemClock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { canonicalSha256 } from '../lib/json.ts'
import { deploymentIdOf, deploymentUuid } from './deployment.ts'
import { configOf, listDeployments, showDeployment } from './query.ts'
import { recordDeployment } from './record.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

let notified = 0
function onWork(): void {
  notified++
}

/** Stores the event as the pipeline does, without jobs and deliveries. */
async function recordIn(tx: Sql, [event]: readonly Draft[]): Promise<void> {
  if (event === undefined) throw new Error('no event was given')
  await tx.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, subject, actor, facts, body, payload,
       content_type)
     values ($1, $2, $3, $4, 'routed', $5, $6, $7, $8, $9, $10)`,
    [
      event.id,
      event.source,
      event.deliveryId,
      event.type,
      event.subject,
      event.actor,
      JSON.stringify(event.facts),
      event.body,
      event.payload && JSON.stringify(event.payload),
      event.contentType,
    ],
  )
}

const clock = fakeClock('2025-11-20T10:30:00.123Z')
const example = {
  project_id: 'project_abc',
  app_name: 'customer-support-bot',
  variant_name: 'v2-optimized',
  environment: 'production',
  revision: 14,
  config: { temperature: 0.7, system_prompt: 'You are a helpful assistant' } as object,
  commit_message: 'Improved response quality',
  deployed_by: 'jane@company.com',
}
function record(change: object, options: { idempotencyKey?: string } = {}) {
  return recordDeployment({ database, clock, recordIn, onWork }, { ...example, ...change }, options)
}
/** Records a deployment, and reads it. */
async function deploy(change: object) {
  return showDeployment(database, (await record(change)).id)
}

async function eventOf(id: string) {
  const { rows } = await database.query<{
    body: Buffer
    stored: EnvironmentDeployed | null
    facts: object
    delivery_id: string
    subject: string
    actor: string
  }>('select body, payload as stored, facts, delivery_id, subject, actor from signalbox.events where id = $1', [id])
  const [row] = rows
  if (row === undefined) throw new Error('no such event')
  return { ...row, text: row.body.toString(), payload: JSON.parse(row.body.toString()) as EnvironmentDeployed }
}

describe('recording a deployment', () => {
  it('records its event, field by field and in the order of the wire contract', async () => {
    const app = 'example-bot'
    const first = await record({ app_name: app })
    const deployment = await deploy({
      app_name: app,
      revision: undefined,
      config: { temperature: 0.5, system_prompt: 'Be concise and professional.' },
    })
    const { text, payload, facts, delivery_id, subject, actor } = await eventOf(deployment.event_id)
    expect(isEnvironmentDeployed(payload)).toBe(true)
    expect(text).toBe(
      JSON.stringify({
        event: 'environment.deployed',
        timestamp: '2025-11-20T10:30:00Z',
        delivery_id,
        project_id: 'project_abc',
        data: {
          app_name: app,
          variant_name: 'v2-optimized',
          variant_id: 'variant_example-bot',
          environment: 'production',
          revision: 15,
          commit_message: 'Improved response quality',
          config_diff: {
            added: {},
            modified: {
              temperature: { old: 0.7, new: 0.5 },
              system_prompt: { old: 'You are a helpful assistant', new: 'Be concise and professional.' },
            },
            removed: {},
          },
          deployed_by: 'jane@company.com',
          deployment_id: deployment.deployment_id,
          config: { temperature: 0.5, system_prompt: 'Be concise and professional.' },
          config_url: null,
          config_sha256: canonicalSha256({ system_prompt: 'Be concise and professional.', temperature: 0.5 }),
          sequence: 2,
          previous_deployment_id: first.id,
        },
      }),
    )
    expect(deployment.deployment_id).toMatch(/^deploy_[0-9a-f-]{36}$/)
    expect(delivery_id).toMatch(/^delivery_[0-9a-f-]{36}$/)
    expect(facts).toEqual({ environment: 'production', app, project: 'project_abc', author: 'jane@company.com' })
    expect([subject, actor]).toEqual(['example-bot@production', 'jane@company.com'])
  })

  it('starts at revision and sequence 1, with everything added', async () => {
    const deployment = await deploy({ app_name: 'first', revision: undefined, commit_message: undefined })
    expect(deployment).toMatchObject({ revision: 1, sequence: 1, previous_deployment_id: null, commit_message: null })
    expect(deployment.config_diff).toEqual({ added: example.config, modified: {}, removed: {} })
  })

  it('numbers fifty deployments at once from 1 to 50, each following the one before', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        recordDeployment(
          { database, clock: systemClock, recordIn, onWork },
          { ...example, app_name: 'crowd', revision: undefined, config: { index } },
        ),
      ),
    )
    const { items } = await listDeployments(database, { app: 'crowd', limit: 100 })
    const inOrder = items.toReversed()
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set(items.map((one) => one.deployment_id)))
    expect(inOrder.map((one) => one.sequence)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(inOrder.map((one) => one.revision)).toEqual(inOrder.map((one) => one.sequence))
    expect(inOrder.map((one) => one.previous_deployment_id)).toEqual([
      null,
      ...inOrder.slice(0, -1).map((one) => one.deployment_id),
    ])
  })

  it('counts each environment and project on its own', async () => {
    const place = (change: object) => deploy({ app_name: 'places', ...change })
    expect((await place({})).sequence).toBe(1)
    expect((await place({ environment: 'staging' })).sequence).toBe(1)
    expect((await place({ project_id: 'other' })).sequence).toBe(1)
    expect((await place({})).sequence).toBe(2)
  })

  it('notifies the workers once it has committed, and not for a repeat', async () => {
    const before = notified
    await record({ app_name: 'notified' }, { idempotencyKey: 'notified' })
    expect(notified).toBe(before + 1)
    await record({ app_name: 'notified' }, { idempotencyKey: 'notified' })
    expect(notified).toBe(before + 1)
  })

  it('writes nothing when the event cannot be recorded, and uses up no number', async () => {
    const fails = () => Promise.reject(new Error('no event'))
    const request = { ...example, app_name: 'atomic' }
    await expect(recordDeployment({ database, clock, recordIn: fails, onWork }, request)).rejects.toThrow('no event')
    expect((await deploy({ app_name: 'atomic' })).sequence).toBe(1)
  })

  it('sends an address in place of a configuration of 20 kB or more', async () => {
    const config = { prompt: 'x'.repeat(20_000 - '{"prompt":""}'.length) }
    const shorter = { prompt: config.prompt.slice(1) }
    const context = { database, clock, recordIn, onWork, publicUrl: 'https://signalbox.example.com/base/' }
    const eventIdOf = async (id: string) => (await showDeployment(database, id)).event_id
    const { id } = await recordDeployment(context, { ...example, app_name: 'large', config })
    const { payload, stored } = await eventOf(await eventIdOf(id))
    expect(payload.data.config).toBeNull()
    expect(payload.data.config_url).toBe(`https://signalbox.example.com/base/api/deployments/${id}/config`)
    expect(await configOf(database, id)).toEqual(config)
    // What agents get is complete.
    expect(stored).toEqual({ ...payload, data: { ...payload.data, config } })
    const small = await recordDeployment(context, { ...example, app_name: 'small', config: shorter })
    const { payload: whole, stored: nothing } = await eventOf(await eventIdOf(small.id))
    expect(whole.data).toMatchObject({ config: shorter, config_url: null })
    expect(nothing).toBeNull()
  })

  it('keeps what PostgreSQL text could not: \\u0000, lone surrogates and __proto__ in the configuration', async () => {
    const config = JSON.parse('{"nul":"a\\u0000b","lone":"\\ud800","__proto__":{"x":1}}')
    const { id } = await record({ app_name: 'odd', config })
    expect(JSON.stringify(await configOf(database, id))).toBe(JSON.stringify(config))
    const again = await deploy({ app_name: 'odd', config })
    expect(again.config_diff).toEqual({ added: {}, modified: {}, removed: {} })
  })
})

describe('an Idempotency-Key', () => {
  const count = async (app: string) => (await listDeployments(database, { app })).items.length

  it('makes the same request the same deployment, also fifty at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, () => record({ app_name: 'once' }, { idempotencyKey: 'once-key' })),
    )
    expect(new Set(all.map(({ id }) => id)).size).toBe(1)
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(await count('once')).toBe(1)
    const events = await database.query("select 1 from signalbox.events where subject = 'once@production'")
    expect(events.rowCount).toBe(1)
  })

  it('does not mind the order of keys or a null written out', async () => {
    await record({ app_name: 'order', config: { a: 1, b: 2 } }, { idempotencyKey: 'order' })
    const again = await record(
      { app_name: 'order', config: { b: 2, a: 1 }, variant_id: null },
      { idempotencyKey: 'order' },
    )
    expect(again.duplicate).toBe(true)
  })

  it('refuses another request under the same key, also at once', async () => {
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        record({ app_name: 'clash', revision: index }, { idempotencyKey: 'clash' }),
      ),
    )
    const refused = attempts.filter((one) => one.status === 'rejected')
    expect(refused).toHaveLength(9)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'conflict' })
    expect(await count('clash')).toBe(1)
  })
})

describe('while the database is away', () => {
  const away = new AppError('database_unavailable')
  /** A database whose first `times` transactions fail, before they begin or after the commit. */
  function failing(when: 'before' | 'after', times: number): Database {
    let left = times
    return {
      ...database,
      async transaction(run, options) {
        if (left-- <= 0) return database.transaction(run, options)
        if (when === 'after') await database.transaction(run, options)
        throw away
      },
    }
  }
  const app = (name: string) => ({ ...example, app_name: name, revision: null })

  it.each([
    ['before', null],
    ['before', 'away-before'],
    ['after', null],
    ['after', 'away-after'],
  ] as const)(
    'a deployment waits and is recorded once, its transaction lost %s it committed (key %s)',
    async (when, key) => {
      const request = app(`away-${when}-${key}`)
      const before = notified
      const context = { database: failing(when, 3), clock, recordIn, onWork }
      const { id, duplicate } = await recordDeployment(context, request, { idempotencyKey: key ?? undefined })
      expect([duplicate, notified]).toEqual([false, before + 1])
      const { items } = await listDeployments(database, { app: request.app_name })
      expect(items).toMatchObject([{ deployment_id: id, sequence: 1 }])
    },
  )

  it('another deployment recorded meanwhile is not taken for it', async () => {
    const request = app('away-meanwhile')
    const lost = failing('after', 1)
    const interrupted: Database = {
      ...lost,
      transaction: (run, options) =>
        lost.transaction(run, options).catch(async (error) => {
          await recordDeployment({ database, clock, recordIn, onWork }, request)
          throw error
        }),
    }
    const { id } = await recordDeployment({ database: interrupted, clock, recordIn, onWork }, request)
    expect(await showDeployment(database, id)).toMatchObject({ sequence: 1 })
    expect((await listDeployments(database, { app: 'away-meanwhile' })).items).toHaveLength(2)
  })
})

describe('reading deployments', () => {
  it('pages through them newest first, filtered', async () => {
    for (const environment of ['production', 'staging', 'production', 'production']) {
      clock.advance(1000)
      await record({ app_name: 'paged', environment })
    }
    const filter = { project: 'project_abc', app: 'paged', environment: 'production', limit: 2 }
    const first = await listDeployments(database, filter)
    expect(first.items.map((one) => one.sequence)).toEqual([3, 2])
    const second = await listDeployments(database, { ...filter, cursor: first.next ?? '' })
    expect(second).toMatchObject({ items: [{ sequence: 1 }], next: null })
    for (const wrong of [{ cursor: 'nonsense' }, { app: 'a\u0000' }]) {
      await expect(listDeployments(database, wrong)).rejects.toMatchObject({ code: 'input_invalid' })
    }
  })

  it('finds one by its public id, and says when there is none', async () => {
    const { id: found } = await record({ app_name: 'found' })
    expect(await showDeployment(database, found)).toMatchObject({ deployment_id: found, app_name: 'found' })
    for (const id of ['deploy_1234567890', deploymentIdOf('00000000-0000-0000-0000-000000000000'), "'"]) {
      await expect(showDeployment(database, id)).rejects.toMatchObject({ code: 'not_found' })
      await expect(configOf(database, id)).rejects.toMatchObject({ code: 'not_found' })
    }
    expect(deploymentUuid(found.toUpperCase().replace('DEPLOY_', 'deploy_'))).toBe(found.slice(7))
  })
})
