import { describe, expect, it } from 'vitest'
import { refusalOf } from '../../test/refusal.ts'
import { AppError } from '../lib/error.ts'
import { canonicalSha256 } from '../lib/json.ts'
import { MAX_CONFIG_DEPTH, readDeploymentRequest } from './request.ts'

const valid = {
  project_id: 'project_abc',
  app_name: 'customer-support-bot',
  variant_name: 'v2-optimized',
  environment: 'production',
  config: { temperature: 0.5 },
  deployed_by: 'jane@company.com',
}

function refusal(change: object): string {
  const error = refusalOf(() => readDeploymentRequest({ ...valid, ...change }))
  expect(error?.code ?? 'input_invalid').toBe('input_invalid')
  return error?.detail ?? 'accepted'
}

function nested(depth: number): unknown {
  return JSON.parse(`${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`)
}

describe('a request to record a deployment', () => {
  it('is completed with null for what was left out', () => {
    const config = {
      value: valid.config,
      json: '{"temperature":0.5}',
      bytes: 19,
      sha256: canonicalSha256(valid.config),
    }
    const nothing = { variant_id: null, revision: null, commit_message: null }
    expect(readDeploymentRequest(valid)).toEqual({ ...valid, ...nothing, config })
    expect(readDeploymentRequest({ ...valid, revision: null, commit_message: null })).toEqual(
      readDeploymentRequest(valid),
    )
  })

  it('keeps any JSON in the configuration, a key called __proto__ included', () => {
    const config = JSON.parse('{"__proto__":{"x":1},"a":[null,true,"\\u0000",{"":1e300}]}')
    const read = readDeploymentRequest({ ...valid, config }).config
    expect(read.json).toBe(JSON.stringify(config))
    expect(JSON.stringify(read.value)).toBe(read.json)
  })

  it.each([
    ['project_id: is required', { project_id: undefined }],
    ['config: is required', { config: undefined }],
    ['app_name: must be a string', { app_name: 7 }],
    ['app_name: must not be blank', { app_name: '  ' }],
    ['app_name: must be one line', { app_name: 'a\u0000b' }],
    ['environment: must be one line', { environment: 'pro\nduction' }],
    ['deployed_by: must be one line', { deployed_by: 'jane\ud800' }],
    ['variant_name', { variant_name: 'v'.repeat(201) }],
    ['revision', { revision: 1.5 }],
    ['revision', { revision: -1 }],
    ['revision', { revision: 2 ** 40 }],
    ['commit_message: must be well-formed', { commit_message: 'a\u0000' }],
    ['config: must be a JSON object', { config: [] }],
    ['config: must be a JSON object', { config: null }],
    ['config: must contain nothing but JSON', { config: { a: Number.NaN } }],
    ['config: must not be nested deeper', { config: nested(MAX_CONFIG_DEPTH + 1) }],
    ['config: must not be nested deeper', { config: nested(100_000) }],
    ['config: must not be larger', { config: { prompt: 'é'.repeat(500_001) } }],
    ['"app_nmae"', { app_nmae: 'typo' }],
  ])('is refused with a detail that says %j', (detail, change) => {
    expect(refusal(change)).toContain(detail)
  })

  it.each([undefined, null, 'text', [], 7])('is refused when the body is %j', (body) => {
    expect(() => readDeploymentRequest(body)).toThrow(AppError)
  })

  it('is measured in bytes of its JSON, the same however its keys are ordered', () => {
    const read = (config: object) => readDeploymentRequest({ ...valid, config }).config
    expect(read({ a: 'é' }).bytes).toBe(Buffer.byteLength('{"a":"é"}'))
    expect(read({ a: 1, b: 2 }).sha256).toBe(read({ b: 2, a: 1 }).sha256)
    expect(read({ a: 1, b: 2 }).json).not.toBe(read({ b: 2, a: 1 }).json)
  })

  it('names every field at fault at once', () => {
    expect(refusal({ app_name: '', environment: '' })).toMatch(/^app_name: .*\nenvironment: /)
  })

  it('takes several lines of commit message, and a configuration as deep as the limit', () => {
    expect(refusal({ commit_message: 'one\n\ttwo\r\n' })).toBe('accepted')
    expect(refusal({ config: nested(MAX_CONFIG_DEPTH) })).toBe('accepted')
  })
})
