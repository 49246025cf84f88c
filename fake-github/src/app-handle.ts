// GitHub Apps in the hands of people: registering one and installing it.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { ensureAccount } from './accounts.ts'
import type { Hub } from './hub.ts'
import { accountShape, installationShape } from './shapes/accounts.ts'
import { repositoryShape } from './shapes/repositories.ts'
import type { App, Hook, Installation, Permissions } from './state.ts'
import { repositoryKey } from './state.ts'

/** An App to register. */
export type AppOptions = {
  slug: string
  id?: number
  /** Login of its owner. Default `octocat`. */
  owner?: string
  permissions?: Permissions
  events?: string[]
  webhookUrl?: string
  webhookSecret?: string
  contentType?: 'json' | 'form'
}

/** A registered App. */
export type AppHandle = {
  appId: number
  slug: string
  /** PKCS#1, the form GitHub hands out. */
  privateKeyPem: string
  /** Login of the account it acts as. */
  botLogin: string
  /** Its installations, oldest first. */
  readonly installations: { id: number; account: string }[]
  /**
   * Installs it for an account on all of its repositories, or on the named ones (names without
   * owner).
   */
  install(account: string, repositories?: 'all' | string[]): { id: number; account: string }
  /** Removes its installations from an account, and with them their tokens. */
  uninstall(account: string): void
}

/** Registers an App with a fresh RSA key. */
export function addApp(hub: Hub, options: AppOptions): AppHandle {
  return appHandle(hub, register(hub, options))
}

function appHandle(hub: Hub, app: App): AppHandle {
  const { state } = hub
  return {
    appId: app.id,
    slug: app.slug,
    privateKeyPem: app.privateKeyPem,
    botLogin: app.bot.login,
    get installations() {
      return [...state.installations.values()].filter((each) => each.app === app).map(handleOf)
    },
    install: (account, repositories = 'all') => handleOf(install(hub, app, account, repositories)),
    uninstall: (account) => uninstall(hub, app, account),
  }
}

/** What a program asks GitHub to make an App of. */
export type AppManifest = {
  name: string
  url: string
  hook_attributes?: { url: string; active?: boolean }
  redirect_url?: string
  default_permissions?: Permissions
  default_events?: string[]
  public?: boolean
}

/** The code for the credentials, the address that the browser is sent to, and the App. */
export type ConfirmedManifest = { code: string; redirectUrl: string; app: AppHandle }

/**
 * What GitHub does when a person confirms a manifest: the App is registered, and its credentials
 * can be fetched once with the code.
 */
export function confirmManifest(hub: Hub, manifest: AppManifest, owner: string): ConfirmedManifest {
  const hook = manifest.hook_attributes
  const app = register(hub, {
    slug: manifest.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    owner,
    permissions: manifest.default_permissions ?? {},
    events: manifest.default_events ?? [],
    ...(hook && { webhookUrl: hook.url, webhookSecret: randomBytes(20).toString('hex') }),
  })
  const code = randomBytes(20).toString('hex')
  hub.state.manifests.set(code, app)
  const redirectUrl = new URL(manifest.redirect_url ?? manifest.url)
  redirectUrl.searchParams.set('code', code)
  return { code, redirectUrl: redirectUrl.href, app: appHandle(hub, app) }
}

function register(hub: Hub, options: AppOptions): App {
  const { state } = hub
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const id = options.id ?? state.nextId()
  const app: App = {
    id,
    slug: options.slug,
    owner: ensureAccount(hub, options.owner ?? 'octocat'),
    bot: ensureAccount(hub, `${options.slug}[bot]`, 'Bot'),
    privateKeyPem: privateKey,
    publicKeyPem: publicKey,
    permissions: options.permissions ?? {},
    events: options.events ?? [],
    hook: options.webhookUrl === undefined ? null : appHook(hub, id, options.webhookUrl, options),
    createdAtMs: hub.clock(),
  }
  state.apps.set(id, app)
  return app
}

function handleOf({ id, account }: Installation) {
  return { id, account: account.login }
}

function appHook(hub: Hub, appId: number, url: string, options: AppOptions): Hook {
  return {
    id: hub.state.nextId(),
    url,
    contentType: options.contentType ?? 'json',
    secret: options.webhookSecret ?? null,
    // Every App hears about its own installations, subscribed or not.
    events: [...(options.events ?? []), 'installation', 'installation_repositories'],
    active: true,
    insecureSsl: '0',
    lastResponse: { code: null, status: 'unused', message: null },
    target: { type: 'integration', id: appId },
    createdAtMs: hub.clock(),
    updatedAtMs: hub.clock(),
  }
}

function install(hub: Hub, app: App, login: string, repositories: 'all' | string[]): Installation {
  const { state } = hub
  const account = ensureAccount(hub, login)
  const chosen = [...state.repositories.values()].filter(
    (repo) =>
      repo.owner === account &&
      (repositories === 'all' ||
        repositories.some((name) => repositoryKey(login, name) === repositoryKey(login, repo.name))),
  )
  const installation: Installation = {
    id: state.nextId(),
    app,
    account,
    repositoryIds: repositories === 'all' ? null : new Set(chosen.map(({ id }) => id)),
    createdAtMs: hub.clock(),
  }
  state.installations.set(installation.id, installation)
  if (app.hook) {
    const listed = chosen.map((repo) => {
      const { id, node_id, name, full_name, private: isPrivate } = repositoryShape(hub, repo)
      return { id, node_id, name, full_name, private: isPrivate }
    })
    hub.webhooks.send(app.hook, {
      event: 'installation',
      action: 'created',
      payload: {
        action: 'created',
        installation: installationShape(hub, installation),
        repositories: listed,
        requester: null,
        sender: accountShape(hub, account),
      },
      installationId: installation.id,
      repositoryId: null,
    })
  }
  return installation
}

function uninstall({ state }: Hub, app: App, login: string): void {
  for (const [id, installation] of state.installations) {
    if (installation.app !== app || installation.account.login !== login) continue
    state.installations.delete(id)
    for (const token of state.tokens.values()) token.revoked ||= token.installation === installation
  }
}
