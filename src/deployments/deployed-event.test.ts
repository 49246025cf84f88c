import { isEnvironmentDeployed } from '@signalbox/sdk'
import { describe, expect, it } from 'vitest'
import { eventPayload } from '../events/payload.ts'
import type { JsonObject } from '../lib/json.ts'
import { canonicalSha256 } from '../lib/json.ts'
import { deployedEvent } from './deployed-event.ts'
import type { Deployment } from './deployment.ts'
import type { Configuration } from './request.ts'

const deployment: Deployment = {
  id: 'deploy_01934e00-0000-7000-8000-00000000000a',
  projectId: 'project_abc',
  appName: 'bot',
  variantName: 'v2',
  variantId: 'variant_bot',
  environment: 'production',
  revision: 3,
  configSha256: 'hash',
  commitMessage: null,
  deployedBy: 'jane@company.com',
  sequence: 3,
  previousDeploymentId: null,
  eventId: '01934e00-0000-7000-8000-00000000000b',
  createdAt: new Date('2025-11-20T10:30:00.987Z'),
  pullRequests: [],
  configDiff: { added: {}, modified: {}, removed: {} },
}

function configuration(value: JsonObject): Configuration {
  const json = JSON.stringify(value)
  return { value, json, bytes: Buffer.byteLength(json), sha256: canonicalSha256(value) }
}

function read(value: JsonObject, publicUrl?: string) {
  const draft = deployedEvent(deployment, configuration(value), publicUrl)
  const body = Buffer.from(draft.body ?? '')
  return { draft, sent: JSON.parse(body.toString()), payload: eventPayload({ body, payload: draft.payload }) }
}

describe('the event of a deployment', () => {
  it('is named after what was deployed where, and by whom', () => {
    const { draft } = read({})
    expect(draft).toMatchObject({
      id: deployment.eventId,
      source: 'deployments',
      type: 'environment.deployed',
      subject: 'bot@production',
      actor: 'jane@company.com',
      facts: { environment: 'production', app: 'bot', project: 'project_abc', author: 'jane@company.com' },
      depth: 0,
      causeJobId: null,
    })
    expect(draft.deliveryId).toMatch(/^delivery_[0-9a-f-]{36}$/)
  })

  it('has the fields of the wire contract, in whole seconds, and is what its receivers call a deployment', () => {
    const { sent, draft } = read({ a: 1 })
    expect(isEnvironmentDeployed(sent)).toBe(true)
    expect(sent).toMatchObject({ timestamp: '2025-11-20T10:30:00Z', delivery_id: draft.deliveryId })
    expect(Object.keys(sent)).toEqual(['event', 'timestamp', 'delivery_id', 'project_id', 'data'])
  })

  it('says everything in its body while the configuration is small', () => {
    const { sent, draft, payload } = read({ a: 1 })
    expect(draft.payload).toBeNull()
    expect(payload).toEqual(sent)
    expect(sent.data).toMatchObject({ config: { a: 1 }, config_url: null })
  })

  it('sends a large configuration as an address, while who reads the event here gets all of it', () => {
    const value = { prompt: 'x'.repeat(20_000), nul: 'a\0b' }
    const { sent, draft, payload } = read(value, 'https://signalbox.example.com/')
    const url = `https://signalbox.example.com/api/deployments/${deployment.id}/config`
    expect(sent.data).toMatchObject({ config: null, config_url: url })
    expect((draft.body as Buffer).length).toBeLessThan(1000)
    expect(payload).toEqual({ ...sent, data: { ...sent.data, config: value } })
  })

  it('measures in bytes of UTF-8: 19,999 are in the body, 20,000 are not', () => {
    const at = (value: JsonObject) => read(value).sent.data.config === null
    const whole = { p: 'x'.repeat(20_000 - '{"p":""}'.length) }
    expect(configuration(whole).bytes).toBe(20_000)
    expect(at(whole)).toBe(true)
    expect(at({ p: whole.p.slice(1) })).toBe(false)
    expect(at({ p: 'é'.repeat(9_995) })).toBe(false)
    expect(at({ p: 'é'.repeat(9_996) })).toBe(true)
  })

  it('names a path when the address of the server is not known', () => {
    expect(read({ prompt: 'x'.repeat(20_000) }).sent.data.config_url).toBe(`/api/deployments/${deployment.id}/config`)
  })
})
