import { expect, test } from 'vitest'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { deploymentFile as fileOf } from './deployment-file.ts'
import { redactedEvent } from './redacted-event.ts'

function event(data: Partial<DeploymentEvent['data']> = {}): DeploymentEvent {
  return {
    event: 'environment.deployed',
    timestamp: '2025-11-20T10:30:00Z',
    project_id: 'p1',
    data: { app_name: 'bot', environment: 'production', deployment_id: 'd1', config_sha256: 'abc', ...data },
  }
}

function deploymentFile(deployed: DeploymentEvent): string {
  return fileOf(redactedEvent(deployed))
}

function read(data: Partial<DeploymentEvent['data']>): Record<string, unknown> {
  return JSON.parse(deploymentFile(event(data)))
}

test('it says what is live, where and since when, and its variant in one object', () => {
  expect(read({ variant_name: 'v2', variant_id: 'x', revision: 3, config: { temperature: 0.5 } })).toEqual({
    app_name: 'bot',
    environment: 'production',
    deployment_id: 'd1',
    project_id: 'p1',
    deployed_at: '2025-11-20T10:30:00Z',
    variant: { name: 'v2', id: 'x', revision: 3 },
    config: { temperature: 0.5 },
    config_sha256: 'abc',
  })
  expect(read({})).toMatchObject({ variant: { name: null, id: null, revision: null } })
})

test('its bytes do not depend on the order of keys, and end with a newline', () => {
  const one = deploymentFile(event({ config: { b: { d: 1, c: 2 }, a: [{ z: 1, y: 2 }] } }))
  const other = deploymentFile(event({ config: { a: [{ y: 2, z: 1 }], b: { c: 2, d: 1 } } }))
  expect(one).toBe(other)
  expect(one).toMatch(/^\{\n {2}"app_name"/)
  expect(one.endsWith('}\n')).toBe(true)
})

test('a secret is redacted, and the hash, which lets one guess it, is left out', () => {
  const file = read({ config: { api_key: 'opaque-value-1', model: 'gpt-5' } })
  expect(file).toMatchObject({ config: { api_key: '[redacted]', model: 'gpt-5' } })
  expect(file).not.toHaveProperty('config_sha256')
})

test('a configuration nested without end is cut, without its hash', () => {
  let config: unknown = 'x'
  for (let level = 0; level < 5000; level += 1) config = [config]
  const text = deploymentFile(event({ config }))
  expect(text).toContain('[nested too deep]')
  expect(text).not.toContain('config_sha256')
})

test('nothing in it is hidden', () => {
  const text = deploymentFile(event({ config: { prompt: 'a\u200bb\u202ec' } }))
  expect(text).toContain('"a\\u200bb\\u202ec"')
})

test('a configuration that the webhook left out is not committed as null', () => {
  const config_url = 'https://signalbox.example/api/deployments/1/config'
  expect(read({ config: null, config_url })).toMatchObject({ config_url })
  for (const url of [config_url, '/api/deployments/1/config']) {
    expect(read({ config: null, config_url: url })).not.toHaveProperty('config')
  }
  expect(read({ config: null, config_url: '/api/deployments/1/config' })).not.toHaveProperty('config_url')
})
