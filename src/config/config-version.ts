// What a configuration resolves to, as one hash: nodes with the same one do the same with an event.
import { dirname } from 'node:path'
import type { Environment } from '../lib/environment.ts'
import type { Json } from '../lib/json.ts'
import { canonicalSha256 } from '../lib/json.ts'
import type { Config } from './config-file.ts'
import type { Installation } from './configure.ts'

// Variables that decide what follows from an event, and where; none of them is a credential.
const VARIABLES = [
  'SIGNALBOX_PUBLIC_URL',
  'AGENTA_API_URL',
  'GITHUB_REPO',
  'GITHUB_BASE_BRANCH',
  'GITHUB_API_URL',
  'ANTHROPIC_BASE_URL',
  'OPENAI_BASE_URL',
  'SIGNALBOX_MODEL',
  'SIGNALBOX_MODEL_URL',
  'SIGNALBOX_ALLOW_HOSTS',
] as const satisfies readonly (keyof Environment)[]

// Of an endpoint: its address may be a credential, as Slack's are.
const SECRET_KEYS = ['url', 'secret', 'secrets', 'headers', 'credential', 'settings']

type Given = {
  environment: Environment
  config: Config
  configPath: string | null
  installation: Pick<Installation, 'rules' | 'agents' | 'muting' | 'repositories'>
}

/**
 * The SHA-256 of sources, rules, agents, endpoints and settings, in hex: the same on every host and
 * in every role, wherever the file is. No secret is part of it, nor what differs between hosts,
 * such as ports and numbers of slots. A function counts as its text.
 */
export function configVersion({ environment, config, configPath, installation }: Given): string {
  const { rules, agents, muting, repositories } = installation
  const { sources = [], agents: ownAgents = [], endpoints = [], prices } = config
  const parts = {
    variables: VARIABLES.map((name) => withoutPassword(environment[name])),
    sources: sources.map(({ name, keptHeaders, open, verify, normalise }) => [
      name,
      keptHeaders,
      open,
      verify,
      normalise,
    ]),
    // Whether a rule is on depends on credentials, which not every role has.
    rules: rules.map(({ off: _, config: __, ...rule }) => rule),
    agents: [...agents.values()].map(({ name, env, settings, runsIn }) => [name, env, settings, runsIn]),
    ownAgents: ownAgents.map(({ name, run }) => [name, run]),
    endpoints: endpoints.map((endpoint) => Object.entries(endpoint).filter(([key]) => !SECRET_KEYS.includes(key))),
    prices,
    muting,
    repositories,
  }
  const text = JSON.stringify(parts, (_, value) => (typeof value === 'function' ? String(value) : value))
  // The same file may be in another folder on another host.
  const anywhere = configPath === null ? text : text.replaceAll(JSON.stringify(dirname(configPath)).slice(1, -1), '.')
  return canonicalSha256(JSON.parse(anywhere) as Json)
}

function withoutPassword(value: unknown): unknown {
  if (typeof value !== 'string' || !URL.canParse(value)) return value
  const url = new URL(value)
  return `${url.protocol}//${url.host}${url.pathname}`
}
