// Where webhooks are: of which repository or organisation, with which credentials.

import { noForgeRemedy } from '../../forges/configured.ts'
import { hookConnectionsFrom } from '../../forges/github/environment.ts'
import type { HookConnections } from '../../forges/github/hook-client.ts'
import type { HookPlace } from '../../forges/github/hook-settings.ts'
import { hookPlace } from '../../forges/github/hook-settings.ts'
import type { Environment } from '../../lib/environment.ts'
import { AppError, RetryAt } from '../../lib/error.ts'
import { parseGithubPath } from '../../lib/repository.ts'
import { environmentOf, quietLog } from '../environment.ts'
import { CliError } from '../failure.ts'
import type { Cli } from '../terminal.ts'
import { sentence } from '../text.ts'
import type { PlaceOptions } from './github.ts'

const NEEDED = {
  repos: '"Webhooks: read and write" of the repository, or the scope write:repo_hook, and admin rights for it',
  orgs: '"Webhooks: read and write" of the organization, or the scope admin:org_hook, of one of its owners',
}
const ORGANIZATION = /^[A-Za-z0-9][A-Za-z0-9-]{0,99}$/

/** A place with webhooks, and what it takes to change them. */
export type OpenPlace = {
  environment: Environment
  connections: HookConnections
  kind: 'repository' | 'organization'
  name: string
  hooks: HookPlace
}

/**
 * Opens the webhooks of the repository that is named, of the organisation of `--org`, or of the
 * repository of `GITHUB_REPO`.
 * @throws CliError saying what is not set.
 */
export function openPlace(cli: Cli, repository: string | undefined, { org }: PlaceOptions): OpenPlace {
  const environment = environmentOf(cli)
  const connections = hookConnectionsFrom(environment, quietLog(environment))
  if (connections === null) {
    const hint = `${sentence(noForgeRemedy(environment))} A GitHub App has a webhook of its own; "signalbox init --app" makes both.`
    throw new CliError('forge_unset', 'There is nothing to ask GitHub with.', hint)
  }
  const kind = org === undefined ? 'repository' : 'organization'
  const name = org ?? repository ?? environment.GITHUB_REPO
  if (org !== undefined && repository !== undefined) {
    throw new CliError('usage', 'Name a repository or an organization, not both.', 'Add --help to see how it is used.')
  }
  if (name === undefined) {
    const hint = 'For example: signalbox github hook acme/shop, or --org acme'
    throw new CliError('repository_unset', 'Neither a repository nor GITHUB_REPO says where the webhook is.', hint)
  }
  if (org !== undefined && !ORGANIZATION.test(org)) {
    throw new CliError('usage', `${JSON.stringify(org)} is no name of an organization.`, 'For example: --org acme')
  }
  if (org === undefined) parseGithubPath(name)
  const place = `${kind === 'repository' ? 'repos' : 'orgs'}/${name}`
  return { environment, connections, kind, name, hooks: requiring(hookPlace(connections, place), kind) }
}

/** What GitHub refuses says which permission it takes. */
function requiring(place: HookPlace, kind: OpenPlace['kind']): HookPlace {
  const hint = `The token needs ${NEEDED[kind === 'repository' ? 'repos' : 'orgs']}.`
  const refused = (error: unknown): never => {
    if (!(error instanceof AppError) || error.code !== 'forge_failed') throw error
    throw new CliError('forge_failed', error.detail, hint, { cause: error })
  }
  return {
    list: () => place.list().catch(refused),
    create: (wanted) => place.create(wanted).catch(refused),
    update: (hook, wanted) => place.update(hook, wanted).catch(refused),
    remove: (hook) => place.remove(hook).catch(refused),
    ping: (hook) => place.ping(hook).catch(refused),
    answer: (hook, id) => place.answer(hook, id).catch(refused),
  }
}

/** Waits for what GitHub is asked; that it is away or has had enough is no bug. */
export async function asking<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof RetryAt)) throw error
    throw new CliError('forge_unavailable', error.message, 'Try again later, or check the network and GITHUB_API_URL.')
  }
}
