import { expect, test } from 'vitest'
import { generateSigningKey, publicJwks } from '../deliveries/sign-ed25519.ts'
import { silentLog } from '../lib/log.ts'
import { errorResponse } from './errors.ts'
import { jwksRoutes } from './jwks.ts'

const PATH = '/.well-known/webhooks-jwks.json'

function ask(keys: readonly string[], method = 'GET'): Promise<Response> {
  const app = jwksRoutes(keys).onError((error) => errorResponse(error, silentLog))
  return Promise.resolve(app.request(PATH, { method }))
}

test('the public keys of every signing key are there for everybody, and kept for five minutes', async () => {
  const keys = [generateSigningKey(), generateSigningKey()]
  const response = await ask(keys)
  const text = await response.text()
  expect(JSON.parse(text)).toEqual({ keys: publicJwks(keys) })
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/jwk-set+json',
    'cache-control': 'public, max-age=300',
    'access-control-allow-origin': '*',
  })
  for (const key of keys) expect(text).not.toContain(key.slice(5, 40))
})

test('without a signing key the set is empty', async () => {
  expect(await (await ask([])).json()).toEqual({ keys: [] })
})

test('nothing but GET is answered', async () => {
  expect((await ask([], 'POST')).status).toBe(405)
})
