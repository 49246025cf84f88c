// Finds the webhooks that post to this server: the App's, those of repositories, and those of the
// organisations that own them.
import type { Octokit } from 'octokit'
import { AppError } from '../../lib/error.ts'
import { parseGithubPath } from '../../lib/repository.ts'
import type { FoundHooks, HookPath, HookProblem } from '../hooks.ts'
import type { HookConnections } from './hook-client.ts'
import { withHookClient } from './hook-client.ts'
import { PAGE_SIZE } from './pages.ts'

// What GitHub's forms call them, for fine-grained tokens and Apps, and for classic tokens.
const MAY_READ = {
  repos: '"Webhooks: read" of the repository, or the scope read:repo_hook',
  orgs: '"Webhooks: read" of the organisation, or the scope admin:org_hook',
}

// What it sends is refused when it arrives, so it is not fetched either: whoever administers one
// repository could have everything recorded a second time.
const NO_SECRET = 'It has no secret, so that nothing of it is taken: set GITHUB_WEBHOOK_SECRET as its secret on GitHub.'

const NO_REPOSITORY = 'No repository is named whose webhook could be looked for: set GITHUB_REPO, or GITHUB_HOOKS.'

/**
 * The App's webhook is enough for all repositories. Otherwise each repository should have one, or
 * its owner; only where none is found does it matter what could not be read.
 */
export async function findHooks(
  connections: HookConnections,
  address: string,
  repositories: readonly string[],
): Promise<FoundHooks> {
  const ofApp = await hookOfApp(connections, address)
  if (ofApp.hooks.length > 0) return ofApp
  const owners = new Map<string, FoundHooks>()
  const hooks = new Set<HookPath>()
  const problems = [...ofApp.problems]
  if (repositories.length === 0) problems.push({ place: 'repos', problem: NO_REPOSITORY })
  for (const repository of repositories) {
    const { owner } = parseGithubPath(repository)
    const own = await hooksOf(connections, `repos/${repository}`, address)
    const ofOwner = owners.get(owner) ?? (await hooksOf(connections, `orgs/${owner}`, address))
    owners.set(owner, ofOwner)
    const found = [...own.hooks, ...ofOwner.hooks]
    for (const hook of found) hooks.add(hook)
    if (found.length === 0) problems.push(noneFound(repository, address, own, ofOwner))
  }
  return { hooks: [...hooks], problems }
}

function noneFound(repository: string, address: string, own: FoundHooks, ofOwner: FoundHooks): HookProblem {
  const place = `repos/${repository}`
  const [unread] = [...own.problems, ...ofOwner.problems.filter(({ problem }) => problem === NO_SECRET)]
  if (unread !== undefined) return unread
  const orgs = ofOwner.problems.length > 0 ? ` If its organisation has one, the token needs ${MAY_READ.orgs}.` : ''
  return { place, problem: `No webhook of ${repository} posts to ${address}.${orgs}` }
}

async function hookOfApp(connections: HookConnections, address: string): Promise<FoundHooks> {
  if (connections.app === null) return { hooks: [], problems: [] }
  try {
    const { data } = await withHookClient(connections, 'app', (octokit) => octokit.request('GET /app/hook/config'))
    return { hooks: isSameAddress(data.url, address) ? ['app/hook'] : [], problems: [] }
  } catch (error) {
    return { hooks: [], problems: [{ place: 'app', problem: refusalOf(error) }] }
  }
}

async function hooksOf(connections: HookConnections, place: string, address: string): Promise<FoundHooks> {
  try {
    const listed = await withHookClient(connections, place, (octokit) => listHooks(octokit, place))
    const own = listed
      .filter(({ config }) => isSameAddress(config.url, address))
      .map(({ id, config }) => ({ path: `${place}/hooks/${id}` as const, hasSecret: Boolean(config.secret) }))
    return {
      hooks: own.flatMap(({ path, hasSecret }) => (hasSecret ? [path] : [])),
      problems: own.flatMap(({ path, hasSecret }) => (hasSecret ? [] : [{ place: path, problem: NO_SECRET }])),
    }
  } catch (error) {
    const needed = place.startsWith('orgs/') ? MAY_READ.orgs : MAY_READ.repos
    return { hooks: [], problems: [{ place, problem: `${refusalOf(error)} The token needs ${needed}.` }] }
  }
}

/** A webhook as GitHub shows it. */
export type ListedHook = {
  id: number | bigint
  active?: boolean
  events?: string[]
  config: { url?: string; content_type?: string; insecure_ssl?: string | number; secret?: string }
}

/** All webhooks of a place: `repos/acme/shop` or `orgs/acme`. */
export async function listHooks(octokit: Octokit, place: string): Promise<ListedHook[]> {
  return (await octokit.paginate(`GET /${place}/hooks`, { per_page: PAGE_SIZE })) as ListedHook[]
}

/** Why GitHub refused; whatever else went wrong is not for here. */
function refusalOf(error: unknown): string {
  if (error instanceof AppError && error.code === 'forge_failed') return error.detail
  throw error
}

/** Whether two addresses are one, however they are written. */
export function isSameAddress(url: string | undefined, address: string): boolean {
  return url !== undefined && URL.canParse(url) && new URL(url).href === new URL(address).href
}
