// What a service says of itself when it has started.
import type { Store } from '../db/store.ts'
import { noForgeRemedy } from '../forges/configured.ts'
import type { Environment } from '../lib/environment.ts'
import { VERSION } from '../lib/version.ts'
import type { Signalbox } from '../main.ts'
import { shownSource } from './shown-source.ts'
import type { ShownSource } from './source-hint.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { count, shellWord } from './text.ts'

/** What is known when a service has started. */
export type Started = {
  mode: 'dev' | 'serve'
  environment: Environment
  configPath: string | null
  store: Pick<Store, 'kind'>
  service: Pick<Signalbox, 'url' | 'metricsUrl' | 'configured' | 'access' | 'listening'>
  roles: { receiver: boolean; orchestrator: boolean }
  endpoints: number
  /** Where the API's token is, if `dev` made it. */
  tokenFile: string | null
}

/** The same as data, for `--json`: one object when the service is ready. */
export type Banner = {
  version: string
  mode: 'dev' | 'serve'
  pid: number
  url: string | null
  /** Of the listener for monitoring, where METRICS_PORT is set. */
  metricsUrl: string | null
  roles: { receiver: boolean; orchestrator: boolean }
  database: { kind: 'embedded' | 'external'; notifications: 'listening' | 'polling' }
  config: string | null
  sources: ShownSource[]
  api: 'token' | 'closed'
  /** The file with the API's token, if `dev` made it. */
  tokenFile: string | null
  /**
   * The forges that can be read and written, and the repository for deployments where one is set.
   */
  forges: readonly string[]
  repository: string | null
  rules: number
  /** How many of these make no jobs until something is set. */
  rulesOff: number
  agents: number
  endpoints: number
}

/** Collects what the banner says. */
export function bannerOf(started: Started): Banner {
  const { mode, environment, configPath, store, service, roles, endpoints, tokenFile } = started
  const { sources, rules, agents, forges } = service.configured
  return {
    version: VERSION,
    mode,
    pid: process.pid,
    url: service.url,
    metricsUrl: service.metricsUrl,
    roles,
    database: { kind: store.kind, notifications: service.listening().mode },
    config: configPath,
    sources: [...sources.values()].map(shownSource),
    api: service.access,
    tokenFile,
    forges: forges.names,
    repository: environment.GITHUB_REPO ?? null,
    rules: rules.length,
    rulesOff: rules.filter(({ off }) => off !== undefined).length,
    agents: agents.size,
    endpoints,
  }
}

function apiText({ api, tokenFile }: Banner): string {
  if (api === 'closed') return 'closed: set SIGNALBOX_API_TOKEN ("signalbox secret generate" makes one)'
  return tokenFile === null
    ? 'open to the bearer of SIGNALBOX_API_TOKEN'
    : `open to the bearer of the token in ${tokenFile}, which commands in this folder read by themselves`
}

function databaseText({ database }: Banner, environment: Environment): string {
  const what =
    database.kind === 'embedded' ? `PostgreSQL of its own in ${environment.SIGNALBOX_DATA_DIR}` : 'DATABASE_URL'
  return `${what}, ${database.notifications === 'listening' ? 'notifications arrive' : 'polling: notifications do not arrive'}`
}

function webhookText({ name, status, path, hint }: ShownSource, url: string): string {
  return status === 'open' ? `POST ${url}${path}` : `${name} is closed: ${hint}`
}

/**
 * What a process that receives says of its address; where there is a public address, that is the
 * one for senders.
 */
function receivingRows(banner: Banner, publicUrl = banner.url): [name: string, value: string][] {
  const { url, sources } = banner
  return url === null
    ? []
    : [
        ...sources.map((source, at): [string, string] => [
          at === 0 ? 'webhooks' : '',
          webhookText(source, publicUrl ?? url),
        ]),
        ['api', apiText(banner)],
      ]
}

function tryText({ mode, url, tokenFile }: Banner): string {
  if (mode !== 'dev' || url === null) return ''
  const jobs =
    tokenFile === null
      ? 'signalbox jobs ls'
      : `curl -H "Authorization: Bearer $(cat ${shellWord(tokenFile)})" ${url}/api/jobs`
  const lines = [`curl -X POST ${url}/webhook/manual`, jobs]
  return `\nTry it:\n${lines.map((line) => `  ${line}\n`).join('')}`
}

function forgesText({ forges, repository }: Banner, environment: Environment): string {
  if (forges.length === 0) return `none, so nothing can be written: ${noForgeRemedy(environment)}`
  return repository === null ? forges.join(', ') : `${forges.join(', ')}; deployments are documented in ${repository}`
}

/** The banner for people. */
export function bannerText(cli: Pick<Cli, 'paint'>, banner: Banner, environment: Environment): string {
  const { url, roles } = banner
  const isOpen = banner.mode === 'serve' && /^(?:0\.0\.0\.0|::)?$/.test(environment.HOST ?? '')
  const where = isOpen ? `every address of this machine: ${url}` : url
  const does = url === null ? 'works on jobs and deliveries, and receives nothing' : `listens on ${where}`
  const has = [count(banner.rules, 'rule'), count(banner.agents, 'agent'), count(banner.endpoints, 'endpoint')]
  const lines = fields([
    ['database', databaseText(banner, environment)],
    ...receivingRows(banner, environment.SIGNALBOX_PUBLIC_URL),
    ['metrics', banner.metricsUrl === null ? '' : `${banner.metricsUrl}/metrics, and /health, without a token`],
    ['forges', forgesText(banner, environment)],
    ['config', `${banner.config ?? 'no signalbox.config.ts: the default rules'} (${has.join(', ')})`],
    ['off', banner.rulesOff === 0 ? '' : `${count(banner.rulesOff, 'rule')}: "signalbox doctor" says what to set`],
    ['jobs', roles.orchestrator ? '' : 'are left to another process: signalbox serve --only orchestrator'],
  ])
  return `${cli.paint('bold', `Signalbox ${banner.version}`)} ${does}\n\n${lines}\n${tryText(banner)}`
}
