// Has GitHub make an App from a manifest, and stores its credentials in `.env`.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, realpath } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import { appManifest } from '../../config/app-manifest.ts'
import { webhookUrl } from '../../config/webhook-url.ts'
import { webUrl } from '../../forges/github/web-url.ts'
import type { Environment } from '../../lib/environment.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { CliError } from '../failure.ts'
import { writePrivately } from '../private-file.ts'
import type { Cli, Terminal } from '../terminal.ts'
import type { RegisteredApp } from './app-page.ts'
import { appPages, installUrl } from './app-page.ts'
import { withSecret, withSettings } from './env-file.ts'
import { COMMENTS } from './settings.ts'

/** How the App is to be made. */
export type AppOptions = { org?: string; browser: boolean; timeout: { text: string; ms: number } }

/** The App, as far as it may be shown. */
export type MadeApp = { id: number; name: string; url: string; install: string }

const REQUEST_TIMEOUT_MS = 15_000
const LINGER_MS = 2_000
const CREDENTIALS = ['GITHUB_APP_ID', 'GITHUB_APP_PRIVATE_KEY'] as const
const ORGANIZATION = /^[A-Za-z0-9](?:[A-Za-z0-9-]){0,99}$/

/**
 * Checks that an App can be made and its credentials used, before anything is begun.
 * @throws CliError saying what is in the way.
 */
export function requireAppPossible(cli: Pick<Terminal, 'env' | 'fromEnvFile'>, environment: Environment): void {
  const known = CREDENTIALS.find((name) => environment[name] !== undefined)
  if (known !== undefined) {
    const hint = `To use another one, take ${CREDENTIALS.join(' and ')} out of .env first.`
    throw new CliError('app_exists', `There is a GitHub App already: ${known} is set.`, hint)
  }
  if (environment.SIGNALBOX_PUBLIC_URL === undefined) {
    const hint =
      'Name the address with --public-url https://…, or set SIGNALBOX_PUBLIC_URL; docs/tunnels.md has some for a laptop.'
    throw new CliError('public_url_unset', 'GitHub must know where to send the webhooks of the App.', hint)
  }
  const name = 'GITHUB_WEBHOOK_SECRET'
  if (cli.env[name]?.trim() && !cli.fromEnvFile.has(name)) {
    const hint = `Unset ${name} there, or put it into .env: the secret of the App is added to it.`
    throw new CliError('secret_elsewhere', `${name} comes from the environment and not from .env.`, hint)
  }
}

/**
 * Shows the page, waits until GitHub has made the App, and stores what it returns.
 * @throws CliError `app_timeout` when nobody has confirmed it in time.
 */
export async function makeApp(cli: Cli, env: Terminal['env'], { org, browser, timeout }: AppOptions): Promise<MadeApp> {
  const environment = readEnvironment(env)
  const { promise: taken, resolve: onTaken } = Promise.withResolvers<RegisteredApp>()
  const take = async (code: string) => {
    const app = await exchange(environment.GITHUB_API_URL, code)
    await store(cli.folder, app)
    return app
  }
  const publicUrl = environment.SIGNALBOX_PUBLIC_URL ?? ''
  const name = `signalbox ${org ?? environment.GITHUB_REPO?.replace('/', ' ') ?? new URL(publicUrl).hostname}`
  const manifest = (redirectUrl: string) =>
    appManifest({ publicUrl, webhookUrl: webhookUrl(publicUrl), redirectUrl }, name)
  const pages = appPages({ registerUrl: registerUrl(environment.GITHUB_API_URL, org), manifest, take, onTaken })
  const server = createServer(getRequestListener(pages.app.fetch))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stopped = new AbortController()
  try {
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}${pages.path}`
    announce(cli, url, port, timeout.text)
    if (browser) openBrowser(cli.env, url)
    const late = pause(timeout.ms, null, { signal: stopped.signal }).catch(() => null)
    const app = await Promise.race([taken, late])
    if (app === null) throw outOfTime(timeout.text)
    return { id: app.id, name: app.name, url: app.url, install: installUrl(app) }
  } finally {
    stopped.abort()
    // The last page is on its way, and browsers open connections that they do not use.
    const cutOff = setTimeout(() => server.closeAllConnections(), LINGER_MS)
    await new Promise((resolve) => server.close(resolve))
    clearTimeout(cutOff)
  }
}

function registerUrl(apiUrl: string, org: string | undefined): string {
  if (org !== undefined && !ORGANIZATION.test(org)) {
    throw new CliError('usage', `${JSON.stringify(org)} is no name of an organization.`, 'For example: --org acme')
  }
  return `${webUrl(apiUrl)}/${org === undefined ? '' : `organizations/${org}/`}settings/apps/new`
}

/** What the page answers to an address that is not one of a browser on this machine. */
function announce(cli: Cli, url: string, port: number, time: string): void {
  cli.err(
    `Open this page within ${time}, and press its button:\n\n  ${url}\n\n` +
      `From another machine, bring its port there first: ssh -L ${port}:127.0.0.1:${port} …\n`,
  )
}

/** The code is good once, for an hour, and for whoever has it. */
async function exchange(apiUrl: string, code: string): Promise<RegisteredApp> {
  const url = `${apiUrl.replace(/(?<!\/)\/+$/, '')}/app-manifests/${encodeURIComponent(code)}/conversions`
  const headers = { accept: 'application/vnd.github+json', 'user-agent': 'signalbox' }
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
  const response = await fetch(url, { method: 'POST', headers, signal, redirect: 'error' })
  if (!response.ok) throw new Error(`GitHub answered ${response.status} to the code.`)
  const { id, name, html_url, pem, webhook_secret } = (await response.json()) as Record<string, unknown>
  const isComplete = Number.isSafeInteger(id) && typeof pem === 'string' && typeof html_url === 'string'
  if (!isComplete || !/^https?:/.test(html_url)) throw new Error('GitHub answered without the credentials.')
  const webhookSecret = typeof webhook_secret === 'string' ? webhook_secret : null
  return { id: Number(id), name: String(name), url: html_url, privateKey: pem, webhookSecret }
}

async function store(folder: string, { id, privateKey, webhookSecret }: RegisteredApp): Promise<void> {
  const file = await realpath(join(folder, '.env'))
  const settings = [
    { name: 'GITHUB_APP_ID', value: String(id), comment: COMMENTS.GITHUB_APP_ID },
    { name: 'GITHUB_APP_PRIVATE_KEY', value: privateKey.trim(), comment: COMMENTS.GITHUB_APP_PRIVATE_KEY },
  ]
  const text = withSettings(await readFile(file, 'utf8'), settings)
  const all =
    webhookSecret === null
      ? text
      : withSecret(text, {
          name: 'GITHUB_WEBHOOK_SECRET',
          value: webhookSecret,
          comment: COMMENTS.GITHUB_WEBHOOK_SECRET,
        })
  await writePrivately(file, all.replace(/\n$/, ''))
}

/** Where there is a screen that is this person's own. */
function openBrowser(env: Terminal['env'], url: string): void {
  const isRemote = env.SSH_CONNECTION !== undefined
  const hasScreen =
    process.platform === 'darwin' || process.platform === 'win32' || (env.DISPLAY ?? env.WAYLAND_DISPLAY)
  if (isRemote || !hasScreen) return
  const [program, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', url]
        : ['xdg-open', url]
  const child = spawn(program ?? '', args, { detached: true, stdio: 'ignore' })
  // The address is printed as well.
  child.once('error', () => {})
  child.unref()
}

function outOfTime(time: string): CliError {
  const hint = 'Run it again: signalbox init --app. An App that GitHub made meanwhile can be deleted there.'
  return new CliError('app_timeout', `After ${time} no App was confirmed on GitHub.`, hint)
}
