import { expect, test } from 'vitest'
import { z } from 'zod'
import { refusalOf } from '../../test/refusal.ts'
import { defineAgent } from '../agents/agent.ts'
import { readEnvironment, withoutCredentials } from '../lib/environment.ts'
import { silentLog } from '../lib/log.ts'
import type { ModelRef } from '../models/model-ref.ts'
import type { Config } from './config-file.ts'
import { configure } from './configure.ts'
import { modelsNamed } from './models.ts'

function install(config: unknown, env: Record<string, string> = {}) {
  return configure(readEnvironment(env), config as Config, silentLog)
}

function refusal(config: unknown, env: Record<string, string> = {}): string {
  const error = refusalOf(() => install(config, env))
  return error === undefined ? 'accepted' : `${error.code}: ${error.detail}`
}

function rule(more: object) {
  return { name: 'r', on: 'push', agent: 'ping', ...more }
}

function agent(model: ModelRef) {
  return defineAgent({ name: 'a', description: 'a', input: z.unknown(), model, run: async () => ({}) })
}

test.each([
  [{ rules: [rule({ model: 'gpt-5' })] }, /rules\[0\] "r": model: must be anthropic\/NAME, openai\/NAME, compatible/],
  [{ rules: [rule({ model: { url: 'ftp://x', name: 'x' } })] }, /rules\[0\] "r": model/],
  [{ rules: [rule({ budget: {} })] }, /rules\[0\] "r": budget: must have tokens, usd or minutes/],
  [{ rules: [rule({ budget: { tokens: 0 } })] }, /rules\[0\] "r": budget\.tokens: must be at least 1/],
  [{ agents: [agent('x' as never)] }, /agents\[0\]\.model: must be anthropic\/NAME/],
  [{ prices: { x: { input: 1 } } }, /prices\.x\.output: is required/],
])('%j is refused, naming the field', (config, message) => {
  expect(refusal(config)).toMatch(message)
})

test('a budget in dollars needs the price of its model', () => {
  const budget = { usd: 1 }
  const prices = { 'openai/x': { input: 1, output: 2 } }
  const needed =
    'config_invalid: rules[0] "r": budget.usd: is in dollars, and "prices" has none for "openai/x"; add its prices'
  expect(refusal({ rules: [rule({ budget, model: 'openai/x' })] })).toBe(needed)
  expect(refusal({ rules: [rule({ budget, agent: 'a' })], agents: [agent('openai/x')] })).toBe(needed)
  expect(refusal({ rules: [rule({ budget })] }, { SIGNALBOX_MODEL: 'openai/x' })).toBe(needed)
  expect(refusal({ rules: [rule({ budget, model: 'openai/x' })], prices })).toBe('accepted')
})

test('the models of an installation are named once, and their keys are kept from agents', () => {
  const own = { url: 'http://x/v1', name: 'own', key: 'OWN_MODEL_PASS' }
  const rules = [rule({ model: own }), rule({ name: 's', model: 'openai/x' })]
  const installation = install({ rules, agents: [agent({ ...own })] }, { SIGNALBOX_MODEL: 'openai/x' })
  expect(modelsNamed(installation)).toEqual(['openai/x', own])
  expect(installation.models.keyNames).toEqual(['OWN_MODEL_PASS'])
  const env = { OWN_MODEL_PASS: 'a', ANTHROPIC_API_KEY: 'b', OPENAI_API_KEY: 'c', SIGNALBOX_MODEL_KEY: 'd', OTHER: 'e' }
  expect(withoutCredentials(env, installation.models.keyNames)).toEqual({ OTHER: 'e' })
})
