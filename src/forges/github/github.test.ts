import { expect, test } from 'vitest'
import { GiveUp } from '../../lib/error.ts'
import { silentLog } from '../../lib/log.ts'
import type { GithubOptions } from './connection.ts'
import { failure } from './fixtures/stage.ts'
import { github } from './github.ts'

type Asked = { url: string; userAgent: string | null; authorization: string | null; method: string }

/** A forge whose every call is answered with the same JSON, and what it asked for. */
function recording(answer: unknown, options: Partial<GithubOptions> = {}) {
  const asked: Asked[] = []
  const send: typeof fetch = async (url, init) => {
    const headers = new Headers(init?.headers)
    asked.push({
      url: String(url),
      userAgent: headers.get('user-agent'),
      authorization: headers.get('authorization'),
      method: init?.method ?? 'GET',
    })
    return Response.json(answer)
  }
  return { asked, forge: github({ auth: { token: 'ghp_x' }, log: silentLog, fetch: send, ...options }) }
}

test('without an address it is github.com, as Signalbox and with its token', async () => {
  const { asked, forge } = recording({ default_branch: 'main' })
  expect(await forge.defaultBranch('acme/shop')).toBe('main')
  expect(asked).toEqual([
    {
      url: 'https://api.github.com/repos/acme/shop',
      userAgent: expect.stringMatching(/^signalbox\b/),
      authorization: 'token ghp_x',
      method: 'GET',
    },
  ])
})

test('the address of an Enterprise Server may end with a slash', async () => {
  const { asked, forge } = recording({ default_branch: 'main' }, { apiUrl: 'https://git.example/api/v3/' })
  await forge.defaultBranch('acme/shop')
  expect(asked[0]?.url).toBe('https://git.example/api/v3/repos/acme/shop')
})

test('making a forge asks for nothing', () => {
  expect(recording({}).asked).toEqual([])
})

test.each([
  [undefined, 'https://github.com/acme/shop/issues/7'],
  ['https://git.example/api/v3', 'https://git.example/acme/shop/issues/7'],
])('labels on %s are shown at %s', async (apiUrl, url) => {
  const { forge } = recording([], { apiUrl })
  expect(await forge.addLabels('acme/shop', { issue: 7 }, ['bug'])).toEqual({ url })
})

test('a head that GitHub cannot read does not find every pull request', async () => {
  const pull = (head: string, repo: { full_name: string } | null) => ({
    number: 1,
    html_url: 'https://github.com/acme/shop/pull/1',
    state: 'closed',
    merged_at: null,
    title: 't',
    body: null,
    head: { ref: head, sha: 'a', repo },
    base: { ref: 'main', sha: 'b', repo: { full_name: 'acme/shop' } },
    labels: [],
  })
  const own = { full_name: 'acme/shop' }
  const answer = [
    pull('agenta/x', own),
    pull('other', own),
    pull('agenta/x', { full_name: 'fork/shop' }),
    pull('agenta/x', null),
  ]
  const found = await recording(answer).forge.pullRequests('acme/shop', { head: 'agenta/x', state: 'all' })
  expect(found.map(({ head, fromFork }) => [head, fromFork])).toEqual([
    ['agenta/x', false],
    ['agenta/x', true],
    // Its repository is gone.
    ['agenta/x', true],
  ])
  expect(found[0]).toMatchObject({ state: 'closed', body: '' })
})

test('a directory with more entries than GitHub lists is not guessed about', async () => {
  const asked: string[] = []
  const send: typeof fetch = async (url, init) => {
    asked.push(init?.method ?? 'GET')
    const isTree = String(url).includes('/git/trees/')
    return Response.json(isTree ? { sha: 'root', tree: [], truncated: true } : { tree: { sha: 'root' } })
  }
  const changes = [{ path: 'a', content: 'b' }]
  const commit = { branch: 'agenta/x', parent: 'a'.repeat(40), isNew: true, message: 'm', changes }
  const error = await failure(recording({}, { fetch: send }).forge.commitFiles('acme/shop', commit))
  expect(error).toBeInstanceOf(GiveUp)
  expect(String(error)).toContain('more entries than GitHub lists')
  expect(asked).toEqual(['GET', 'GET'])
})

test('its limits are those of GitHub', () => {
  const { forge } = recording({})
  expect(forge.maxBodyChars).toBeLessThan(65_536)
})
