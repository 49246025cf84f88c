// A GitHub App from a manifest: the page, the form, GitHub's answer, and what is stored.
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { FakeGithub } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import type { Run } from '../../../test/terminal.ts'
import { call } from '../../../test/terminal.ts'
import { APP_PERMISSIONS } from '../../config/app-manifest.ts'
import { connect } from '../../forges/github/connection.ts'
import { githubAuth } from '../../forges/github/environment.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { silentLog } from '../../lib/log.ts'

let github: FakeGithub
beforeAll(async () => {
  github = await openFakeGithub()
  await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
})
afterAll(() => github.close())

type Begun = { url: string; folder: string; ended: Promise<Run> }

/** Runs `init --app`, until its page is there. */
async function begin(args: readonly string[] = [], file = ''): Promise<Begun> {
  const folder = await openTestFolder()
  if (file !== '') await writeFile(join(folder, '.env'), file, { mode: 0o600 })
  const fromFile = parseEnv(file) as Record<string, string>
  const { promise, resolve } = Promise.withResolvers<string>()
  const ended = call(['init', '--yes', '--app', '--public-url', 'https://hooks.example.com', ...args], {
    folder,
    env: { ...fromFile, GITHUB_API_URL: github.apiUrl },
    fromEnvFile: new Set(Object.keys(fromFile)),
    err: (text) => {
      const found = /http:\/\/127\.0\.0\.1:\d+\/\w{32}/.exec(text)
      if (found) resolve(found[0])
    },
  })
  const url = await Promise.race([promise, ended.then((run) => Promise.reject(new Error(run.err + run.out)))])
  return { url, folder, ended }
}

/** The form of a page, as a browser reads it. */
async function formOf(url: string): Promise<{ action: string; manifest: string }> {
  const text = await (await fetch(url)).text()
  const attribute = (pattern: RegExp) =>
    (pattern.exec(text)?.[1] ?? '').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
  return { action: attribute(/action="([^"]*)"/), manifest: attribute(/name="manifest" value="([^"]*)"/) }
}

/** Presses its button: GitHub's answer is where the browser is sent. */
async function confirm({ action, manifest }: { action: string; manifest: string }): Promise<string> {
  const body = new URLSearchParams({ manifest })
  const answer = await fetch(action, { method: 'POST', body, redirect: 'manual' })
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`${answer.status} ${await answer.text()}`)
  return location
}

async function variables(folder: string): Promise<Record<string, string>> {
  return parseEnv(await readFile(join(folder, '.env'), 'utf8')) as Record<string, string>
}

test('one click makes the App, its credentials are stored for its owner alone, and they work', async () => {
  const { url, folder, ended } = await begin(['--repository', 'acme/shop'])
  const form = await formOf(url)
  expect(new URL(form.action).pathname).toBe('/settings/apps/new')
  expect(JSON.parse(form.manifest)).toMatchObject({
    name: 'signalbox acme shop',
    hook_attributes: { url: 'https://hooks.example.com/webhook/github', active: true },
    default_permissions: APP_PERMISSIONS,
    public: false,
  })
  const done = await fetch(await confirm(form))
  expect(done.status).toBe(200)
  expect(await done.text()).toMatch(/signalbox-acme-shop is made.*<a href="[^"]+\/installations\/new">install it<\/a>/s)
  const { code, out } = await ended
  expect(code).toBe(0)
  const env = await variables(folder)
  expect((await stat(join(folder, '.env'))).mode & 0o777).toBe(0o600)
  expect(env.GITHUB_WEBHOOK_SECRET).toMatch(/^[0-9a-f]{40}$/)
  expect(out).toContain('/installations/new')
  for (const name of ['GITHUB_APP_PRIVATE_KEY', 'GITHUB_WEBHOOK_SECRET']) expect(out).not.toContain(env[name])
  const auth = githubAuth(readEnvironment(env))
  expect(auth).not.toBeNull()
  if (auth !== null)
    expect(await connect({ apiUrl: github.apiUrl, auth, log: silentLog }).account()).toMatch(/\[bot\]$/)
})

test('for an organization, and beside a secret that webhooks have already', async () => {
  const { url, folder, ended } = await begin(['--org', 'acme'], 'GITHUB_WEBHOOK_SECRET=the-secret-that-is-live-now\n')
  const form = await formOf(url)
  expect(new URL(form.action).pathname).toBe('/organizations/acme/settings/apps/new')
  await fetch(await confirm(form))
  expect((await ended).code).toBe(0)
  expect((await variables(folder)).GITHUB_WEBHOOK_SECRET).toMatch(/^the-secret-that-is-live-now,[0-9a-f]{40}$/)
})

test('an answer that was not asked for changes nothing, a code is used once, and a wrong one can be tried again', async () => {
  const { url, folder, ended } = await begin(['--repository', 'acme/other'])
  const form = await formOf(url)
  const { origin } = new URL(url)
  const state = new URL(form.action).searchParams.get('state') ?? ''
  const foreign = github.confirmManifest({ name: 'of somebody else', url: 'https://example.com' })
  const answer = (path: string) => fetch(`${origin}${path}`).then(({ status }) => status)
  expect(await answer(`/created?code=${foreign.code}&state=${'x'.repeat(state.length)}`)).toBe(403)
  expect(await answer(`/created?code=${foreign.code}`)).toBe(403)
  expect((await fetch(origin)).status).toBe(404)
  expect(await variables(folder)).not.toHaveProperty('GITHUB_APP_ID')
  // GitHub does not know this code: another state is on the page afterwards.
  expect(await answer(`/created?code=unknown&state=${state}`)).toBe(502)
  const again = await formOf(url)
  expect(again.action).not.toBe(form.action)
  const back = await confirm(again)
  expect((await fetch(back)).status).toBe(200)
  await expect(fetch(back)).rejects.toThrow()
  expect((await ended).code).toBe(0)
  const exchanges = github.requests.filter(({ route, status }) => route?.includes('conversions') && status === 201)
  expect(new Set(exchanges.map(({ path }) => path)).size).toBe(exchanges.length)
})

test('the page is for this machine only, and ends by itself', async () => {
  const { url, ended } = await begin(['--timeout', '300ms', '--repository', 'acme/slow'])
  const { port, pathname } = new URL(url)
  const { request } = await import('node:http')
  const status = await new Promise((resolve) =>
    request({ port, path: pathname, headers: { host: 'evil.example' } }, (response) =>
      resolve(response.statusCode),
    ).end(),
  )
  expect(status).toBe(403)
  expect(await ended).toMatchObject({ code: 1 })
  await expect(fetch(url)).rejects.toThrow()
})

test.each([
  ['an App that is there', { GITHUB_APP_ID: '1', SIGNALBOX_PUBLIC_URL: 'https://a.example' }, 'take GITHUB_APP_ID and'],
  ['no address from outside', {}, '--public-url'],
  [
    'a secret that .env cannot change',
    { GITHUB_WEBHOOK_SECRET: 'a-secret-of-the-environment', SIGNALBOX_PUBLIC_URL: 'https://a.example' },
    'Unset GITHUB_WEBHOOK_SECRET',
  ],
])('%s is an error before anything is made', async (_, env, remedy) => {
  const folder = await openTestFolder()
  const { code, err } = await call(['init', '--yes', '--app'], { folder, env })
  expect(code).toBe(1)
  expect(err).toContain(remedy)
})
