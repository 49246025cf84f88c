import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DescribedApi } from '../../../test/described-api.ts'
import { describedApi } from '../../../test/described-api.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox } from '../../../test/signalbox.ts'
import type { DeploymentDetail, DeploymentSummary } from '../../deployments/wire.ts'

let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  api = await describedApi(signalbox)
})
afterAll(() => signalbox.close())

const request = {
  project_id: 'project_abc',
  app_name: 'bot',
  variant_name: 'v1',
  environment: 'production',
  config: { temperature: 0.7, prompt: 'Sei höflich 🙂' },
  deployed_by: 'jane@company.com',
}

async function deploy(change: object = {}, headers: Record<string, string> = {}) {
  const { status, body } = await api.post('/deployments', { ...request, ...change }, headers)
  return { status, body: body as DeploymentDetail & { duplicate: boolean; code?: string; detail?: string } }
}
async function list(query: string): Promise<DeploymentSummary[]> {
  return (await api.get(`/deployments?${query}`)).body.items as DeploymentSummary[]
}

test('a deployment is recorded, numbered, and compared with the one before', async () => {
  const app_name = 'numbered'
  const first = await deploy({ app_name })
  expect(first).toMatchObject({
    status: 201,
    body: {
      deployment_id: expect.stringMatching(/^deploy_/),
      sequence: 1,
      revision: 1,
      variant_id: 'variant_numbered',
      previous_deployment_id: null,
      duplicate: false,
      pull_requests: [],
      config_diff: { added: request.config, modified: {}, removed: {} },
    },
  })
  const second = await deploy({ app_name, config: { temperature: 0.5 }, commit_message: 'Calmer' })
  expect(second.body).toMatchObject({
    sequence: 2,
    previous_deployment_id: first.body.deployment_id,
    commit_message: 'Calmer',
    config_diff: { modified: { temperature: { old: 0.7, new: 0.5 } }, removed: { prompt: request.config.prompt } },
  })
  expect((await api.get(`/events/${second.body.event_id}`)).body).toMatchObject({
    type: 'environment.deployed',
    payload: { data: { deployment_id: second.body.deployment_id, sequence: 2 } },
  })
})

test('what was recorded is what is shown, by its id with or without the prefix', async () => {
  const { body } = await deploy({ app_name: 'shown' })
  const { duplicate: _, ...recorded } = body
  const uuid = recorded.deployment_id.replace('deploy_', '')
  for (const id of [recorded.deployment_id, uuid, uuid.toUpperCase()]) {
    expect((await api.get(`/deployments/${id}`)).body).toEqual(recorded)
    expect((await api.get(`/deployments/${id}/config`)).body).toEqual(request.config)
  }
  expect((await api.get('/deployments/none/config')).status).toBe(404)
})

describe('an idempotency key', () => {
  test('makes a repeated request the same deployment', async () => {
    const key = { 'idempotency-key': 'run-7' }
    const first = await deploy({ app_name: 'keyed' }, key)
    const again = await deploy({ app_name: 'keyed' }, key)
    expect([first.status, again.status]).toEqual([201, 200])
    expect(again.body).toEqual({ ...first.body, duplicate: true })
    expect(await list('app=keyed')).toHaveLength(1)
  })

  test('is not for another request', async () => {
    const key = { 'idempotency-key': 'run-8' }
    await deploy({ app_name: 'keyed-once' }, key)
    expect(await deploy({ app_name: 'keyed-twice' }, key)).toMatchObject({ status: 409, body: { code: 'conflict' } })
  })

  test.each(['a b', 'x'.repeat(256)])('%j is refused as a header', async (key) => {
    expect(await deploy({}, { 'idempotency-key': key })).toMatchObject({
      status: 400,
      body: { code: 'header_invalid', detail: expect.stringContaining('Idempotency-Key') },
    })
  })
})

describe('the list of deployments', () => {
  test('is newest first, filtered by project, app and environment', async () => {
    const app_name = 'listed'
    for (const environment of ['staging', 'production', 'staging']) await deploy({ app_name, environment })
    expect((await list(`app=${app_name}`)).map(({ environment }) => environment)).toEqual([
      'staging',
      'production',
      'staging',
    ])
    expect(await list(`app=${app_name}&environment=production`)).toHaveLength(1)
    expect(await list(`app=${app_name}&project=other`)).toEqual([])
    expect(await list('app=LISTED')).toEqual([])
  })

  test('pages by the public id', async () => {
    const app_name = 'paged'
    for (let n = 0; n < 3; n++) await deploy({ app_name, config: { n } })
    const { items, next } = (await api.get(`/deployments?app=${app_name}&limit=2`)).body as {
      items: DeploymentSummary[]
      next: string
    }
    expect(items.map(({ sequence }) => sequence)).toEqual([3, 2])
    const rest = await list(`app=${app_name}&limit=2&cursor=${next}`)
    expect(rest.map(({ sequence }) => sequence)).toEqual([1])
    const last = items.at(-1)?.deployment_id
    expect(await list(`app=${app_name}&cursor=${last}`)).toEqual(rest)
  })
})

test('every wrong field is named, and nothing is recorded', async () => {
  const before = await signalbox.count('signalbox.deployments')
  const { status, body } = await deploy({ app_name: '', environment: 7, config: [], revison: 1 })
  expect(status).toBe(422)
  for (const field of ['app_name: ', 'environment: ', 'config: must be a JSON object', '"revison"']) {
    expect(body.detail).toContain(field)
  }
  expect(await signalbox.count('signalbox.deployments')).toBe(before)
})
