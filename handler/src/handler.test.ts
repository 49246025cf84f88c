import { openFakeGithub } from '@signalbox/fake-github'
import { signBody } from '@signalbox/sdk'
import { afterAll, describe, expect, test } from 'vitest'
import { deployed, openReceiver, SECRET } from './fixtures/receiver.ts'
import { createHandler } from './handler.ts'

const fake = await openFakeGithub()
afterAll(() => fake.close())

describe('health', () => {
  const health = (handle: (request: Request) => Promise<Response>, init?: RequestInit) =>
    handle(new Request('http://handler/prod/health/', init))

  test('says whether GitHub is configured', async () => {
    const { handle } = await openReceiver(fake)
    const response = await health(handle)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      status: 'healthy',
      service: 'Signalbox webhook handler',
      github_configured: true,
    })
    const bare = createHandler({ secret: SECRET, log: () => {} })
    expect(await (await health(bare)).json()).toMatchObject({ github_configured: false })
  })

  test('answers HEAD without a body', async () => {
    const { handle } = await openReceiver(fake)
    const response = await health(handle, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('a bad request gets its 4xx as {code, detail}', () => {
  const url = 'http://handler/webhook'
  const signed = async (body: string) => ({ 'x-agenta-signature': await signBody({ secret: SECRET, body }) })
  const oversized = 'x'.repeat(20_000)

  async function answer(request: Request): Promise<[number, string, string | null]> {
    const { handle, repo } = await openReceiver(fake, { maxBodyBytes: 10_000 })
    const response = await handle(request)
    const body = (await response.json()) as { code: string }
    expect(body).toEqual({ code: expect.any(String), detail: expect.any(String) })
    expect(await repo.pulls()).toEqual([])
    return [response.status, body.code, response.headers.get('allow')]
  }

  test.each<
    [string, string, (body: string) => Promise<Record<string, string>> | Record<string, string>, number, string]
  >([
    ['no signature', '{}', () => ({}), 400, 'header_missing'],
    ['no body', '', () => ({}), 400, 'header_missing'],
    ['a wrong signature', '{}', () => ({ 'x-agenta-signature': 'sha256=00' }), 401, 'signature_invalid'],
    ['a changed body', '{} ', () => signed('{}'), 401, 'signature_invalid'],
    ['a malformed header', '{}', () => ({ 'x-agenta-signature': 't=x,v1=00' }), 400, 'header_invalid'],
    ['text', 'not json', signed, 400, 'body_invalid'],
    ['a list', '[]', signed, 400, 'body_invalid'],
    ['an empty deployment', '{"event":"environment.deployed"}', signed, 400, 'body_invalid'],
    ['a deployment whose data is a list', JSON.stringify({ ...deployed, data: [] }), signed, 400, 'body_invalid'],
    ['a large body', oversized, signed, 413, 'body_too_large'],
  ])('%s', async (_, body, headersOf, status, code) => {
    const headers = await headersOf(body)
    expect(await answer(new Request(url, { method: 'POST', headers, body }))).toEqual([status, code, null])
  })

  test('a large body, whether its length is announced, wrongly or not at all', async () => {
    const headers = await signed(oversized)
    for (const length of [String(oversized.length), '2', 'many']) {
      const announced = { ...headers, 'content-length': length }
      const whole = new Request(url, { method: 'POST', headers: announced, body: oversized })
      expect(await answer(whole)).toEqual([413, 'body_too_large', null])
    }
    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      headers,
      body: new Blob([oversized]).stream(),
      duplex: 'half',
    }
    expect(await answer(new Request(url, init))).toEqual([413, 'body_too_large', null])
  })

  test('a body of exactly the limit is read', async () => {
    const body = JSON.stringify({ event: 'x'.repeat(10_000 - '{"event":""}'.length) })
    const { handle } = await openReceiver(fake, { maxBodyBytes: 10_000 })
    expect((await handle(new Request(url, { method: 'POST', headers: await signed(body), body }))).status).toBe(200)
  })

  test.each([
    ['GET', 'webhook', 'POST'],
    ['PUT', 'api/webhook', 'POST'],
    ['POST', 'health', 'GET, HEAD'],
    ['DELETE', 'health', 'GET, HEAD'],
  ])('%s /%s', async (method, path, allow) => {
    const request = new Request(`http://handler/${path}`, { method })
    expect(await answer(request)).toEqual([405, 'method_not_allowed', allow])
  })

  test.each([[''], ['webhook/other'], ['webhooks']])('/%s', async (path) => {
    expect(await answer(new Request(`http://handler/${path}`))).toEqual([404, 'not_found', null])
  })
})
