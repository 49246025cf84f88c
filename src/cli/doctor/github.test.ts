// The doctor on GitHub where its answers are short of what is wanted.
import { generateKeyPairSync } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readEnvironment } from '../../lib/environment.ts'
import { githubChecks } from './github.ts'

/** Something at the address of GitHub's API. */
async function openApi(answer: RequestListener): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('connection', 'close')
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function check(env: Record<string, string>) {
  return githubChecks(readEnvironment(env))
}

describe('a token', () => {
  test.each([
    [{ login: 'jane' }, 'repo, workflow', 'accepted, of jane, scopes repo, workflow'],
    [{ login: 'jane' }, '', 'accepted, of jane'],
    [{ message: 'Resource not accessible' }, '', 'accepted'],
  ])('of which GitHub says %j and the scopes %j', async (user, scopes, detail) => {
    const GITHUB_API_URL = await openApi((_request, response) =>
      response.setHeader('x-oauth-scopes', scopes).end(JSON.stringify(user)),
    )
    expect(await check({ GITHUB_API_URL, GITHUB_TOKEN: 'x' })).toEqual([
      { name: 'GitHub token', status: 'ok', detail, hint: null },
    ])
  })

  test('is sent to the address that is set, with or without a slash, and shown nowhere', async () => {
    const asked: string[] = []
    const url = await openApi((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      response.writeHead(401).end('{}')
    })
    for (const GITHUB_API_URL of [`${url}/api/v3`, `${url}/api/v3/`]) {
      const checks = await check({ GITHUB_API_URL, GITHUB_TOKEN: 'ghp_secret' })
      expect(checks).toMatchObject([{ status: 'problem', hint: 'Make a new one and set GITHUB_TOKEN.' }])
      expect(JSON.stringify(checks)).not.toContain('ghp_secret')
    }
    expect(new Set(asked)).toEqual(new Set(['/api/v3/rate_limit Bearer ghp_secret', '/api/v3/user Bearer ghp_secret']))
  })

  test('that is not accepted is not tried on the repository', async () => {
    const GITHUB_API_URL = await openApi((_request, response) => response.writeHead(401).end('{}'))
    expect(await check({ GITHUB_API_URL, GITHUB_TOKEN: 'x', GITHUB_REPO: 'acme/shop' })).toHaveLength(1)
  })
})

test('a token that may only read says what to give it', async () => {
  const GITHUB_API_URL = await openApi((request, response) => {
    const repository = { full_name: 'acme/shop', default_branch: 'main', permissions: { push: false } }
    const isRepository = request.url === '/repos/acme/shop'
    response.setHeader('content-type', 'application/json').end(JSON.stringify(isRepository ? repository : {}))
  })
  const checks = await check({ GITHUB_API_URL, GITHUB_TOKEN: 'x', GITHUB_REPO: 'acme/shop' })
  expect(checks.map(({ status }) => status)).toEqual(['ok', 'problem', 'ok'])
  expect(checks[1]).toMatchObject({
    detail: 'acme/shop is visible but may not be written',
    hint: expect.stringContaining('write access'),
  })
})

describe('an App', () => {
  const pem = (type: 'rsa' | 'ec') => {
    const pair = type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : ecPair()
    return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
  const ecPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = pem('rsa')

  test('is asked who it is, also where no repository is set', async () => {
    const asked: (string | undefined)[] = []
    const GITHUB_API_URL = await openApi((request, response) => {
      asked.push(request.url)
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ slug: 'signalbox' }))
    })
    expect(await check({ GITHUB_API_URL, GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: key })).toEqual([
      { name: 'GitHub App', status: 'ok', detail: 'accepted, as signalbox[bot]', hint: null },
    ])
    expect(asked).toEqual(['/app'])
  })

  test('that GitHub does not accept is a problem of id and key, and is not tried on the repository', async () => {
    const GITHUB_API_URL = await openApi((_request, response) =>
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Integration not found"}'),
    )
    const env = { GITHUB_API_URL, GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: key, GITHUB_REPO: 'acme/shop' }
    expect(await check(env)).toEqual([
      {
        name: 'GitHub App',
        status: 'problem',
        detail: expect.stringMatching(/^is not accepted: .*Integration not found/),
        hint: expect.stringContaining('GITHUB_APP_ID'),
      },
    ])
  })

  test.each([
    ['a file that is something else', 'not-a-pem-key', 'is no private key in PEM: it has no line -----BEGIN'],
    ['one without its lines', key.replaceAll('\n', ' '), 'has all of its PEM in one line'],
    ['half a key', key.slice(0, 200), 'cut off or changed'],
    ['a key of another type', pem('ec'), 'is a key of the type ec, not RSA'],
  ])('whose key is %s is a problem that says so, without the key', async (_what, GITHUB_APP_PRIVATE_KEY, words) => {
    const checks = await check({ GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY, GITHUB_REPO: 'acme/shop' })
    expect(checks).toMatchObject([{ name: 'GitHub App', status: 'problem', detail: expect.stringContaining(words) }])
    expect(JSON.stringify(checks)).not.toContain(GITHUB_APP_PRIVATE_KEY.split('\n').at(1)?.slice(0, 20) ?? 'not-a-pem')
  })
})
