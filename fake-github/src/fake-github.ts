// Opens the fake: one HTTP server for REST and git, and the people, tokens and Apps around it.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { ensureAccount } from './accounts.ts'
import type { AppHandle, AppManifest, AppOptions, ConfirmedManifest } from './app-handle.ts'
import { addApp, confirmManifest } from './app-handle.ts'
import type { Exchange } from './exchange.ts'
import type { Faults } from './faults.ts'
import { emptyFaults } from './faults.ts'
import { initBare } from './git.ts'
import { isGitRequest, serveGit } from './git-http.ts'
import type { Hub } from './hub.ts'
import { repositoryLock } from './hub.ts'
import { isManifestForm, manifestPages } from './manifest-page.ts'
import type { OrganizationHandle, OrganizationOptions } from './organization-handle.ts'
import { addOrganization } from './organization-handle.ts'
import { pagesApp, wantsPage } from './pages.ts'
import type { RepositoryHandle } from './repository-handle.ts'
import { commit, repositoryHandle } from './repository-handle.ts'
import { restApp } from './router.ts'
import { routes } from './routes/all.ts'
import type { Delivery, Permissions, Repository, Role, State } from './state.ts'
import { accountKey, emptyState, repositoryKey } from './state.ts'
import { openWebhooks } from './webhooks.ts'

/** How to open the fake; everything has a default. */
export type FakeGithubOptions = {
  /** 0 lets the system choose. */
  port?: number
  host?: string
  /** Where the bare repositories live. Default: a temporary directory, removed on close. */
  dir?: string
  /** Milliseconds since the epoch. */
  clock?: () => number
  /** How long a webhook receiver has for its answer. Default 10,000, like GitHub. */
  webhookTimeoutMs?: number
  /** Called after every REST exchange. */
  onExchange?: (exchange: Exchange) => void
  /** Called after every webhook delivery. */
  onDelivery?: (delivery: Delivery) => void
}

/**
 * A token to hand out. With `permissions` it is fine-grained, otherwise classic with `scopes`
 * (default `['repo']`).
 */
export type TokenOptions = {
  login: string
  scopes?: string[]
  permissions?: Permissions
  /** Full names (`owner/name`) a fine-grained token is limited to. Default: all. */
  repositories?: string[]
  /** Milliseconds since the epoch. */
  expiresAt?: number
}

/** A repository to make. */
export type RepositoryOptions = {
  owner: string
  name: string
  defaultBranch?: string
  /** The first commit. Without files the repository stays empty. */
  files?: Record<string, string>
  private?: boolean
  description?: string
  /** Login to role; the owner is always admin. */
  collaborators?: Record<string, Role>
  /** Whether pull requests may be set to merge by themselves. Default: no, as on GitHub. */
  allowAutoMerge?: boolean
  /**
   * Names of statuses or checks that must pass before a pull request is merged into the default
   * branch. Default: none.
   */
  requiredChecks?: string[]
}

/** A running fake GitHub. */
export type FakeGithub = {
  /** Web base, such as `http://127.0.0.1:4000`; clone URLs start here. */
  readonly url: string
  /** REST base for octokit's `baseUrl`; the same routes also answer at the root. */
  readonly apiUrl: string
  /** Makes an account, or returns the one of that name. */
  addUser(login: string, options?: { type?: 'User' | 'Organization' }): { id: number; login: string; email: string }
  /** Makes an organisation, or adds to the one of that name. Make it before its repositories. */
  addOrganization(options: OrganizationOptions): OrganizationHandle
  /** Makes a token (and its user, if need be) and returns it. */
  addToken(options: TokenOptions): string
  /** Makes a GitHub App with a fresh RSA key. */
  addApp(options: AppOptions): AppHandle
  /** Confirms a manifest as a person in the browser; GitHub then redirects with the code. */
  confirmManifest(manifest: AppManifest, owner?: string): ConfirmedManifest
  addRepository(options: RepositoryOptions): Promise<RepositoryHandle>
  readonly faults: Faults
  /** Every webhook delivery that is over, oldest first. */
  readonly deliveries: readonly Delivery[]
  /** Every REST request from outside, oldest first. */
  readonly requests: readonly Exchange[]
  /** Resolves when every webhook delivery under way is over. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** Opens a fake GitHub; close it when done. */
export async function openFakeGithub(options: FakeGithubOptions = {}): Promise<FakeGithub> {
  const { port = 0, host = '127.0.0.1', clock = Date.now, webhookTimeoutMs = 10_000 } = options
  const state = emptyState()
  const faults = emptyFaults()
  const webhooks = openWebhooks({ state, clock, faults }, webhookTimeoutMs, options.onDelivery)
  const hub: Hub = { state, faults, webhooks, clock, url: '', apiUrl: '', lock: repositoryLock() }
  const rest = restApp(hub, routes, options.onExchange ?? (() => {}))
  const pages = pagesApp(hub, async (owner, path) => {
    const response = await rest.request(`${hub.apiUrl}${path}`, {}, { actor: ensureAccount(hub, owner) })
    return response.ok ? response.json() : null
  })
  const manifests = manifestPages(hub)
  const serveRest = getRequestListener((request, env) => {
    if (isManifestForm(request)) return manifests.fetch(request)
    return wantsPage(hub, request) ? pages.fetch(request) : rest.fetch(request, env)
  })
  const server = createServer((request, response) => {
    if (!isGitRequest(request)) return void serveRest(request, response)
    serveGit(hub, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await listen(server, port, host)
  hub.url = `http://${host}:${(server.address() as AddressInfo).port}`
  hub.apiUrl = `${hub.url}/api/v3`
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'fake-github-')))

  const act = async (by: string | undefined, method: string, path: string, body?: unknown) => {
    const owner = path.split('/')[2] ?? ''
    const init = { method, ...(body !== undefined && { body: JSON.stringify(body) }) }
    const response = await rest.request(`${hub.apiUrl}${path}`, init, { actor: ensureAccount(hub, by ?? owner) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} by ${by ?? owner}: ${response.status} ${text}`)
    return text === '' ? null : (JSON.parse(text) as unknown)
  }

  return {
    url: hub.url,
    apiUrl: hub.apiUrl,
    addUser: (login, more) => {
      const { id } = ensureAccount(hub, login, more?.type)
      return { id, login, email: `${id}+${login}@users.noreply.github.com` }
    },
    addOrganization: (organization) => addOrganization(hub, organization),
    addToken: (token) => addToken(hub, token),
    addApp: (app) => addApp(hub, app),
    confirmManifest: (manifest, owner = 'octocat') => confirmManifest(hub, manifest, owner),
    addRepository: async (given) => {
      const repo = await makeRepository(hub, dir, given)
      return repositoryHandle(hub, repo, act, (by) => (by === undefined ? repo.owner : ensureAccount(hub, by)))
    },
    faults,
    deliveries: state.deliveries,
    requests: state.requests,
    settled: () => webhooks.settled(),
    close: async () => {
      webhooks.close()
      await webhooks.settled()
      await closeServer(server)
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function addToken(hub: Hub, options: TokenOptions): string {
  const { state } = hub
  const value = `${options.permissions ? 'github_pat_' : 'ghp_'}${randomBytes(18).toString('hex')}`
  state.tokens.set(value, {
    value,
    account: ensureAccount(hub, options.login),
    scopes: options.scopes ?? ['repo'],
    permissions: options.permissions ?? null,
    installation: null,
    repositoryIds: options.repositories ? new Set(options.repositories.map((name) => idOf(state, name))) : null,
    expiresAtMs: options.expiresAt ?? null,
    revoked: false,
    used: 0,
  })
  return value
}

function idOf(state: State, fullName: string): number {
  const repo = state.repositories.get(fullName.toLowerCase())
  if (!repo) throw new Error(`There is no repository ${fullName}`)
  return repo.id
}

async function makeRepository(hub: Hub, root: string, options: RepositoryOptions): Promise<Repository> {
  const { state, clock } = hub
  const owner = ensureAccount(hub, options.owner)
  const key = repositoryKey(options.owner, options.name)
  if (state.repositories.has(key)) throw new Error(`There already is a repository ${key}`)
  for (const login of Object.keys(options.collaborators ?? {})) ensureAccount(hub, login)
  const roles = Object.entries(options.collaborators ?? {}).map(([login, role]) => [accountKey(login), role] as const)
  const repo: Repository = {
    id: state.nextId(),
    owner,
    name: options.name,
    private: options.private ?? false,
    description: options.description ?? null,
    topics: [],
    defaultBranch: options.defaultBranch ?? 'main',
    dir: join(root, owner.login, `${options.name}.git`),
    collaborators: new Map(roles),
    labels: [],
    milestones: new Map(),
    issues: new Map(),
    issueComments: new Map(),
    commitComments: new Map(),
    reviews: new Map(),
    reviewComments: new Map(),
    statuses: [],
    checkSuites: new Map(),
    checkRuns: new Map(),
    deployments: new Map(),
    environments: new Map(),
    releases: new Map(),
    hooks: new Map(),
    nextNumber: 1,
    nextMilestone: 1,
    allowsAutoMerge: options.allowAutoMerge ?? false,
    requiredChecks: options.requiredChecks ?? [],
    createdAtMs: clock(),
    pushedAtMs: clock(),
  }
  await initBare(repo.dir, repo.defaultBranch)
  state.repositories.set(key, repo)
  if (options.files) await commit(hub, repo, owner, { message: 'Initial commit', files: options.files })
  return repo
}
