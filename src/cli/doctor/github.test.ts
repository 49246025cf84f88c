// The doctor on GitHub where its answers are short of what is wanted.
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

test('an App whose key is no key is a problem of the repository, without the key in it', async () => {
  const GITHUB_API_URL = await openApi((_request, response) => response.writeHead(401).end('{}'))
  const env = { GITHUB_API_URL, GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: 'not-a-pem-key', GITHUB_REPO: 'acme/shop' }
  const checks = await check(env)
  expect(checks).toMatchObject([{ name: 'GitHub repository', status: 'problem' }])
  expect(JSON.stringify(checks)).not.toContain('not-a-pem-key')
})
