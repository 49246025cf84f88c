import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../agents/agent.ts'
import { readEnvironment } from '../lib/environment.ts'
import { silentLog } from '../lib/log.ts'
import type { Config } from './config-file.ts'
import { configVersion } from './config-version.ts'
import { configure } from './configure.ts'

function config(change: Partial<Config> = {}): Config {
  return {
    rules: [{ name: 'hello', on: 'push', agent: 'ping' }],
    endpoints: [
      { name: 'team', url: 'https://example.com/hook', secret: 'a-secret-that-is-long-enough', events: ['*'] },
    ],
    ...change,
  }
}

function version(given: Config, env: Record<string, string> = {}, configPath: string | null = null): string {
  const environment = readEnvironment({ GITHUB_REPO: 'acme/shop', ...env })
  return configVersion({
    environment,
    config: given,
    configPath,
    installation: configure(environment, given, silentLog),
  })
}

function agent(folder: string, word = 'a') {
  return {
    ...defineAgent({ name: 'own', description: 'x', input: z.unknown(), run: async () => ({}) }),
    settings: { script: `${folder}/x.sh`, word },
  }
}

it('is the same on every host and in every role: in another folder, with other ports, slots and credentials', () => {
  const host = { PORT: '9000', MAX_CONCURRENT_JOBS: '7', DATABASE_URL: 'postgres://other/db', SIGNALBOX_DATA_DIR: '/x' }
  const credentials = { GITHUB_TOKEN: 'ghp_x', GITHUB_WEBHOOK_SECRET: 'a-secret-that-is-long-enough' }
  expect(version(config(), { ...host, ...credentials })).toBe(version(config()))
  const at = (folder: string) => version(config({ agents: [agent(folder)] }), {}, `${folder}/signalbox.config.ts`)
  expect(at('/srv/one')).toBe(at('/opt/two'))
})

it('does not depend on what may be secret', () => {
  const other = { name: 'team', url: 'https://example.com/other', secret: 'another-secret-that-is-long', events: ['*'] }
  expect(version(config({ endpoints: [other] }))).toBe(version(config()))
  expect(version(config(), { SIGNALBOX_MODEL_URL: 'https://me:pass@models.example.com/v1' })).toBe(
    version(config(), { SIGNALBOX_MODEL_URL: 'https://models.example.com/v1' }),
  )
})

it.each<[string, Partial<Config>, Record<string, string>]>([
  ['a rule', { rules: [{ name: 'hello', on: 'issues.*', agent: 'ping' }] }, {}],
  ['an agent', { agents: [agent('/srv', 'b')] }, {}],
  ['an endpoint', { endpoints: [] }, {}],
  ['a price', { prices: { 'openai/x': { input: 1, output: 2 } } }, {}],
  ['the repository', {}, { GITHUB_REPO: 'acme/other' }],
  ['the model', {}, { SIGNALBOX_MODEL: 'anthropic/x' }],
])('is another one with another %s', (_, change, env) => {
  const base = { agents: [agent('/srv')] }
  expect(version(config({ ...base, ...change }), env)).not.toBe(version(config(base)))
})
