// The address and the credential that git reads a repository with.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLog } from '../../lib/log.ts'
import type { GithubStage } from './fixtures/stage.ts'
import { openGithubStage } from './fixtures/stage.ts'
import { github } from './github.ts'

let stage: GithubStage
beforeEach(async () => {
  stage = await openGithubStage()
})
afterEach(() => stage.close())

test.each([
  ['https://api.github.com', 'https://github.com/acme/shop.git'],
  ['https://github.example.com/api/v3', 'https://github.example.com/acme/shop.git'],
  ['https://github.example.com/api/v3/', 'https://github.example.com/acme/shop.git'],
  ['https://api.acme.ghe.com', 'https://acme.ghe.com/acme/shop.git'],
  ['http://127.0.0.1:4000/api/v3', 'http://127.0.0.1:4000/acme/shop.git'],
])('behind %s it is at %s', (apiUrl, url) => {
  const forge = github({ apiUrl, auth: { token: 't' }, log: silentLog })
  expect(forge.gitRemote('acme/shop').url).toBe(url)
})

test('a token is its own credential', async () => {
  const credential = await stage
    .forge({ auth: { token: 'ghp_own' } })
    .gitRemote('acme/shop')
    .credential()
  expect(credential).toEqual({ username: 'x-access-token', password: 'ghp_own' })
})

test("an App's may read this one repository, and do nothing else", async () => {
  const other = await stage.fake.addRepository({ owner: 'acme', name: 'other', private: true, files: { x: 'x' } })
  const app = stage.fake.addApp({ slug: 'sb', permissions: { contents: 'write', issues: 'write', metadata: 'read' } })
  app.install('acme')
  const forge = stage.forge({ auth: { appId: app.appId, privateKey: app.privateKeyPem } })
  const { password: token } = await forge.gitRemote('acme/shop').credential()
  const headers = { authorization: `Bearer ${token}` }
  const statusOf = async (path: string, init: RequestInit = {}) =>
    (await fetch(`${stage.fake.apiUrl}${path}`, { ...init, headers })).status
  expect(await statusOf('/repos/acme/shop/contents/README.md')).toBe(200)
  expect(await statusOf(`/repos/${other.fullName}/contents/x`)).toBe(404)
  expect(await statusOf('/repos/acme/shop/issues', { method: 'POST', body: '{"title":"x"}' })).toBe(403)
  const push = `${stage.fake.url}/acme/shop.git/info/refs?service=git-receive-pack`
  expect((await fetch(push, { headers })).status).toBe(403)
})

test('a repository has about the size that GitHub says', async () => {
  expect(await stage.forge().gitRemote('acme/shop').bytes()).toBe(0)
})
