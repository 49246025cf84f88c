// The webhook on GitHub: made, repaired, moved, tried and removed, against a GitHub that delivers
// to a running server.
import type { FakeGithub } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestFolder } from '../../../test/folder.ts'
import type { TestSignalbox } from '../../../test/signalbox.ts'
import { openTestSignalbox, SECRET, TOKEN } from '../../../test/signalbox.ts'
import { call } from '../../../test/terminal.ts'

let github: FakeGithub
let signalbox: TestSignalbox
let names = 0

beforeAll(async () => {
  github = await openFakeGithub()
  signalbox = await openTestSignalbox({ roles: { receiver: true, orchestrator: false } })
  github.addOrganization({ login: 'acme', owners: ['owner'] })
})
afterAll(async () => {
  await github?.close()
  await signalbox?.close()
})

type Config = { url: string; content_type?: 'json' | 'form'; insecure_ssl?: string; secret?: string }
type Made = { status: string; changes: string[]; hook: string; events: string[]; ping: Record<string, unknown> | null }

/** A repository of its own, and commands on it. */
async function open(env: Record<string, string> = {}) {
  const { fullName } = await github.addRepository({ owner: 'acme', name: `shop-${++names}`, files: { a: 'b\n' } })
  const token = github.addToken({ login: 'acme' })
  const folder = await openTestFolder()
  const run = (args: readonly string[]) =>
    call(['github', 'hook', ...args], {
      folder,
      env: {
        GITHUB_API_URL: github.apiUrl,
        GITHUB_TOKEN: token,
        GITHUB_REPO: fullName,
        GITHUB_WEBHOOK_SECRET: SECRET,
        SIGNALBOX_PUBLIC_URL: signalbox.url,
        SIGNALBOX_URL: signalbox.url,
        SIGNALBOX_API_TOKEN: TOKEN,
        ...env,
      },
    })
  const api = async (method: string, path = '', body?: unknown) => {
    const init = {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }
    const answer = await fetch(`${github.apiUrl}/repos/${fullName}/hooks${path}`, init)
    return (await answer.json()) as { active: boolean; events: string[]; config: Config }[]
  }
  return {
    fullName,
    run,
    api,
    set: async (...args: string[]): Promise<Made> => {
      const { out, err } = await run([...args, '--json'])
      if (out === '') throw new Error(err)
      return JSON.parse(out)
    },
    add: (config: Config, more: object = {}) => api('POST', '', { config, ...more }),
  }
}

function here(): string {
  return `${signalbox.url}/webhook/github`
}

describe('a webhook that is not there', () => {
  test('is made as the default rules need it, and its ping arrives', async () => {
    const { run, api, set } = await open()
    const { code, out } = await run([])
    expect(code).toBe(0)
    expect(out).toMatch(
      /^webhook +repos\/acme\/shop-\d+\/hooks\/\d+ was made\nposts to +http:\S+\/webhook\/github\nevents +commit_comment, /,
    )
    expect(out).toMatch(
      /ping +arrived after [\d.]+ s, answered to GitHub in [\d.]+ s\. It is the event [0-9a-f-]{36}\.\n/,
    )
    const [hook] = await api('GET')
    expect(hook).toMatchObject({
      active: true,
      config: { url: here(), content_type: 'json', insecure_ssl: '0', secret: '********' },
    })
    const again = await set()
    expect(again).toMatchObject({
      status: 'unchanged',
      changes: [],
      ping: { arrived: true, eventId: expect.any(String) },
    })
    expect(await api('GET')).toHaveLength(1)
  })

  test('is only said with --dry-run', async () => {
    const { set, api } = await open()
    expect(await set('--dry-run')).toMatchObject({ status: 'would be created', ping: null })
    expect(await api('GET')).toEqual([])
  })
})

describe('a webhook that is not as it should be', () => {
  test('is repaired, each difference named, and what it has besides stays', async () => {
    const { add, set, api } = await open()
    await add({ url: here(), content_type: 'form', insecure_ssl: '1' }, { active: false, events: ['push', 'fork'] })
    const wrong = [
      'it was not active',
      'the content type was form',
      'TLS was not verified',
      'it had no secret',
      expect.stringMatching(/^events were missing: commit_comment, .*, release$/),
    ]
    expect(await set('--dry-run')).toMatchObject({ status: 'would be changed', changes: wrong })
    expect(await set()).toMatchObject({ status: 'changed', changes: wrong, ping: { arrived: true, status: 200 } })
    const [hook] = await api('GET')
    expect(hook?.events).toEqual(expect.arrayContaining(['fork', 'issues']))
    expect(await set()).toMatchObject({ status: 'unchanged' })
  })

  test('whose secret is another one is seen by its ping, and gets this one', async () => {
    const { add, set } = await open()
    await add({ url: here(), content_type: 'json', secret: 'another secret of twenty' }, { events: ['*'] })
    expect(await set()).toMatchObject({
      changes: ['the secret was another one'],
      events: ['*'],
      ping: { arrived: true },
    })
  })

  test('that posts elsewhere is moved with --replace, and never gets a second one', async () => {
    const { add, run, set, api } = await open()
    await add({ url: 'https://old.example.com/webhook/github' })
    const refused = await run([])
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/posts to https:\/\/old\.example\.com\/webhook\/github already\.\n +→ .*--replace/)
    expect((await set('--replace')).changes[0]).toBe('the address was https://old.example.com/webhook/github')
    expect(await api('GET')).toMatchObject([{ config: { url: here() } }])
    await add({ url: 'https://ci.example.com/hook' })
    expect(await set()).toMatchObject({ status: 'unchanged' })
  })
})

describe('what goes wrong is said with its remedy', () => {
  test('nobody answers at the address', async () => {
    const { run } = await open({ SIGNALBOX_PUBLIC_URL: 'http://127.0.0.1:9' })
    const { code, out } = await run([])
    expect(code).toBe(1)
    expect(out).toMatch(/ping +did not arrive: GitHub .*\n→ Is the server running, and the tunnel/)
  })

  test('the server has another secret', async () => {
    const { run } = await open({ GITHUB_WEBHOOK_SECRET: 'not the one of the server' })
    const { code, out } = await run([])
    expect({ code, out }).toEqual({
      code: 1,
      out: expect.stringMatching(/GitHub was answered 401: .*signature_invalid.*\n→ The server has another/s),
    })
  })

  test('something else answers there', async () => {
    const { run } = await open({ SIGNALBOX_PUBLIC_URL: `${signalbox.url}/elsewhere` })
    expect((await run([])).out).toMatch(/answered 404: .*\n→ Something else answers there/)
  })

  test('the server that is asked is not the one that answered', async () => {
    const { run } = await open({ SIGNALBOX_URL: 'http://127.0.0.1:9' })
    const { code, out } = await run([])
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('It could not be looked for here: ') })
  })

  test.each([
    ['the token may not', {}, /write:repo_hook/],
    ['no address', { SIGNALBOX_PUBLIC_URL: '' }, /--public-url/],
    ['no secret', { GITHUB_WEBHOOK_SECRET: '' }, /signalbox init/],
    ['no token', { GITHUB_TOKEN: '' }, /set GITHUB_TOKEN/i],
    ['no repository', { GITHUB_REPO: '' }, /github hook acme\/shop/],
  ])('%s', async (name, env, remedy) => {
    const reader = name === 'the token may not' ? { GITHUB_TOKEN: github.addToken({ login: 'somebody' }) } : {}
    const { run } = await open({ ...env, ...reader })
    const { code, err } = await run([])
    expect(code).toBe(1)
    expect(err).toMatch(remedy)
  })
})

test('webhooks are listed, and the one of this server is removed', async () => {
  const { add, run, set } = await open()
  await add({ url: 'https://ci.example.com/hook' })
  await set()
  const listed = await run(['ls'])
  expect(listed.out).toMatch(
    /^WEBHOOK +POSTS TO .*\n.*https:\/\/ci\.example\.com\/hook .*\n.*\/webhook\/github +yes +json +verified +yes/,
  )
  expect((await run(['rm'])).out).toMatch(/^Removed 1 webhook: repos\/acme\/shop-\d+\/hooks\/\d+\n$/)
  expect((await run(['rm'])).err).toContain('signalbox github hook ls')
  expect((await run(['ls'])).out.match(/hooks\//g)).toHaveLength(1)
})

test('an organization has one for all its repositories', async () => {
  const { run } = await open({ GITHUB_TOKEN: github.addToken({ login: 'owner', scopes: ['admin:org_hook'] }) })
  const made = await run(['--org', 'acme'])
  expect({ code: made.code, out: made.out }).toEqual({
    code: 0,
    out: expect.stringMatching(/^webhook +orgs\/acme\/hooks\/\d+ was made\n(.*\n)*ping +arrived/),
  })
  expect((await run(['rm', '--org', 'acme'])).code).toBe(0)
  const { run: asMember } = await open()
  expect((await asMember(['--org', 'acme'])).err).toContain('admin:org_hook')
})
