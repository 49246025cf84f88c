// The doctor on what was set: Node.js, the environment, the configuration file.

import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Agent } from '../../agents/agent.ts'
import type { Isolation } from '../../agents/isolation/isolation.ts'
import { networkText, UNISOLATED } from '../../agents/isolation/isolation.ts'
import type { LoadedConfig } from '../../config/config-file.ts'
import { loadConfig } from '../../config/config-file.ts'
import type { Installation } from '../../config/configure.ts'
import { configure } from '../../config/configure.ts'
import { defaultRules } from '../../config/default-rules.ts'
import { eventWarnings } from '../../config/event-warnings.ts'
import { inUse, isolateAll } from '../../config/isolation.ts'
import { modelsNamed } from '../../config/models.ts'
import { targetReader } from '../../deliveries/kinds/kinds.ts'
import { readEndpointConfigs } from '../../endpoints/endpoint.ts'
import { missingOfApp } from '../../forges/github/environment.ts'
import { addressGuard, LOOPBACK_HOSTS, urlProblem } from '../../lib/address-guard.ts'
import type { Environment } from '../../lib/environment.ts'
import { environmentProblems, readEnvironment, unusedVariables } from '../../lib/environment.ts'
import { errorText } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import { labelOf } from '../../models/model-ref.ts'
import { priceOf } from '../../models/prices.ts'
import { OLDEST_NODE } from '../oldest-node.ts'
import { shownSource } from '../shown-source.ts'
import type { Cli } from '../terminal.ts'
import { count, sentence } from '../text.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'

const NEW_EVENT = 'Correct it, unless it is an event that is newer than this Signalbox.'
const ONLY_DEV = 'on this machine, which "dev" notifies and "serve" does not'
const NEW_SECRET = '"signalbox secret generate" makes one'

/** Whether this Node.js is new enough. */
export function nodeCheck(version: string): Check {
  return Number.parseInt(version, 10) >= OLDEST_NODE
    ? ok('Node.js', version)
    : problem('Node.js', `${version} is too old`, `Install Node.js ${OLDEST_NODE} or newer.`)
}

/**
 * One check for every wrong variable, and the environment without those, so that the rest can still
 * be looked at.
 */
export function environmentChecks(env: Cli['env']): { checks: Check[]; environment: Environment } {
  const problems = environmentProblems(env)
  if (problems.length === 0) {
    return { checks: [ok('environment', 'every variable that is set is valid')], environment: readEnvironment(env) }
  }
  const wrong = new Set(problems.map(({ variable }) => variable))
  const rest = Object.fromEntries(Object.entries(env).filter(([name]) => !wrong.has(name)))
  const checks = problems.map(({ place, sentence }) =>
    problem(place, sentence, 'Correct it in .env or in the environment.'),
  )
  // Leaving one out may make another one wrong, which is no problem of its own.
  return { checks, environment: environmentChecks(rest).environment }
}

/** Whether others on this machine can read the secrets of the `.env` file; nothing without one. */
export async function envFileChecks({ folder }: Pick<Cli, 'folder'>): Promise<Check[]> {
  const file = await stat(join(folder, '.env')).catch(() => null)
  if (file === null || process.platform === 'win32') return []
  return (file.mode & 0o077) === 0
    ? [ok('.env file', 'nobody else can read it')]
    : [warning('.env file', 'others on this machine can read its secrets', 'Run: chmod 600 .env')]
}

/** What unset variables close. */
export function closedChecks(environment: Environment): Check[] {
  const { SIGNALBOX_API_TOKEN, GITHUB_TOKEN, GITHUB_APP_ID, GITHUB_REPO } = environment
  const missing = missingOfApp(environment)
  const checks = [
    ...unusedVariables(environment).map((each) => warning('environment', each, 'Unset it.')),
    SIGNALBOX_API_TOKEN
      ? ok('API token', 'set')
      : warning(
          'API token',
          'unset: "serve" keeps the API closed, "dev" makes a token of its own',
          `Set SIGNALBOX_API_TOKEN; ${NEW_SECRET}.`,
        ),
  ]
  if (missing !== null) {
    checks.push(problem('GitHub App', `half set up: ${missing} is unset`, `Set ${missing}, or unset the other.`))
  } else if (GITHUB_TOKEN === undefined && GITHUB_APP_ID === undefined) {
    checks.push(
      warning(
        'GitHub',
        'no token: nothing can be read or written there',
        'Set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.',
      ),
    )
  }
  if (GITHUB_REPO === undefined) {
    checks.push(
      warning(
        'GitHub repository',
        'unset: pull requests for deployments have no place',
        'Set GITHUB_REPO to owner/name.',
      ),
    )
  }
  return checks
}

/** The agents of a configuration, or of a rule that is on, that cannot run on this machine. */
function agentChecks({ agents, rules }: Installation, configured: readonly Agent[] = []): Check[] {
  const used = new Set(rules.flatMap(({ agent, off }) => (off === undefined ? [agent] : [])))
  return [...agents.values()].flatMap((agent) => {
    const found = used.has(agent.name) || configured.includes(agent) ? (agent.problem?.() ?? null) : null
    return found === null ? [] : [problem(`agent ${agent.name}`, found, 'Correct that, or the agent.')]
  })
}

/** The default workflows among the rules: for each agent, what is on, and what is off and why. */
function workflowChecks({ rules }: Installation): Check[] {
  const workflows = rules.filter(({ name }) => defaultRules.some((rule) => rule.name === name))
  const groups = Map.groupBy(workflows, ({ agent, off }) => JSON.stringify([agent, off ?? null]))
  return [...groups].map(([key, group]) => {
    const [agent, off]: [string, string | null] = JSON.parse(key)
    const name = `workflow ${agent}`
    const names = group.map((rule) => rule.name).join(', ')
    return off === null ? ok(name, `on: ${names}`) : warning(name, `off: ${names}`, sentence(off))
  })
}

/** What keeps the programs of agents from what the service knows. */
function isolationChecks(isolations: ReadonlyMap<string, Isolation>): Check[] {
  return [...isolations].map(([name, isolation]) => {
    const { kind, network } = isolation
    if (kind === 'none') {
      const hint = `${isolation.remedy}; see docs/programs.md.`
      return warning(`program of ${name}`, `not isolated, ${isolation.reason}: it can read ${UNISOLATED}`, hint)
    }
    const account = isolation.account === null ? '' : ` as the account ${isolation.account.name}`
    const where = kind === 'bubblewrap' ? ` in bubblewrap${account}, network ${networkText(network)}` : account
    return ok(`program of ${name}`, `isolated${where}`)
  })
}

/** The models that are named, and what each still needs. */
function modelChecks(installation: Installation): Check[] {
  const named = modelsNamed(installation)
  if (named.length === 0) return [ok('model', 'none is set, so reviews are by rules alone; SIGNALBOX_MODEL sets one')]
  return named.map((ref) => {
    const name = `model ${labelOf(ref)}`
    const missing = installation.models.problem(ref)
    if (missing !== null) return problem(name, missing, 'Correct that, or name another model.')
    const price = priceOf(installation.models.prices, labelOf(ref)) ? 'with' : 'without'
    return ok(name, `set up, ${price} a price; "signalbox models test" tries it`)
  })
}

/** The configuration file, with everything it names, and which sources that leaves closed. */
export async function configChecks(
  cli: Pick<Cli, 'folder'>,
  environment: Environment,
  file: string | undefined,
): Promise<Check[]> {
  try {
    const { config, path }: LoadedConfig = await loadConfig(cli.folder, file)
    const installation = configure(environment, config, silentLog)
    const { rules, agents, sources } = installation
    const isolations = await isolateAll({
      environment,
      configPath: path,
      folder: cli.folder,
      agents: [...agents.values()],
    })
    const { SIGNALBOX_ALLOW_HOSTS: allowed } = environment
    const guard = addressGuard([...allowed, ...LOOPBACK_HOSTS])
    const endpoints = readEndpointConfigs(config.endpoints ?? [], {
      readTarget: targetReader(guard, { hasMailer: environment.SMTP_URL !== undefined }),
    })
    const has = [count(rules.length, 'rule'), count(agents.size, 'agent'), count(endpoints.length, 'endpoint')].join(
      ', ',
    )
    return [
      ok('configuration', `${path ?? 'no file: the defaults'} (${has})`),
      ...eventWarnings(rules, sources.keys(), endpoints).map((each) => warning('events', each, NEW_EVENT)),
      ...endpoints
        .filter(({ kind, url }) => kind === 'webhook' && urlProblem(url, addressGuard(allowed)) !== null)
        .map(({ name }) => warning(`endpoint ${name}`, ONLY_DEV, 'Name its host in SIGNALBOX_ALLOW_HOSTS.')),
      ...[...sources.values()]
        .map(shownSource)
        .map(({ name, hint, secrets }) =>
          hint === null
            ? ok(`source ${name}`, `open, ${count(secrets, 'live secret')}`)
            : warning(`source ${name}`, 'closed: its webhooks get 503', `To open it, ${hint}; ${NEW_SECRET}.`),
        ),
      ...workflowChecks(installation),
      ...agentChecks(installation, config.agents),
      ...isolationChecks(inUse(isolations, { rules, agents: config.agents })),
      ...modelChecks(installation),
    ]
  } catch (error) {
    const hint = 'Correct the configuration; docs/configuration.md lists all of it.'
    return errorText(error)
      .split('\n')
      .map((line) => problem('configuration', line, hint))
  }
}
