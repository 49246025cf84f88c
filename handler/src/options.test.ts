import { expect, test } from 'vitest'
import { SECRET } from './fixtures/receiver.ts'
import { createHandler } from './handler.ts'
import type { HandlerOptions } from './options.ts'
import { readOptions } from './options.ts'

function refusal(options: object): string {
  try {
    readOptions({ secret: SECRET, ...options })
  } catch (error) {
    return `${(error as { code: string }).code} ${(error as Error).message}`
  }
  return 'accepted'
}

test.each([[''], ['too-short'], ['   '], [`  ${'x'.repeat(19)}  `]])('the secret %j is refused', (secret) => {
  const message = 'config_invalid The webhook secret must have at least 20 characters.'
  expect(refusal({ secret })).toBe(message)
  expect(refusal({ secrets: ['a-long-and-live-secret', secret.trim() || 'short'] })).toBe(message)
})

test.each([
  ['whsec_not base64 at all!', 'whsec_ must be followed by base64'],
  [`whpk_${'A'.repeat(44)}`, 'an ed25519 key (whsk_, whpk_) is not a shared secret'],
])('the secret %j is refused, because no signature can be checked with it', (secret, why) => {
  expect(refusal({ secret })).toBe(`config_invalid The webhook secret cannot be used: ${why}.`)
})

test('empty entries among several secrets are no secrets', () => {
  expect(readOptions({ secrets: [' ', '', ` ${SECRET} `] }).secrets).toEqual([SECRET])
})

test.each([['https://github.com/acme/shop'], ['shop'], ['acme/..'], ['acme.inc/shop'], ['gitlab:acme/shop']])(
  'the repository %j is refused, wherever it is named',
  (name) => {
    const sentence = `${JSON.stringify(name)} is not a repository on GitHub; write owner/name.`
    expect(refusal({ github: { repository: name } })).toBe(`config_invalid github.repository: ${sentence}`)
    expect(refusal({ repositories: { bot: name } })).toMatch(/^config_invalid repositories\.bot: .*write owner\/name/)
  },
)

test.each([['acme/shop'], ['github:acme/shop'], ['Acme-Inc/shop.ts']])('the repository %j is accepted', (name) => {
  expect(refusal({ github: { repository: name }, repositories: { bot: name } })).toBe('accepted')
})

test('an option that is unknown or of the wrong type is refused by name', () => {
  expect(refusal({ labls: ['x'] })).toBe('config_invalid the options: unknown field "labls"; did you mean "labels"?')
  expect(refusal({ title: 7 })).toBe('config_invalid title: must be a string, not a number')
})

test('the refusal comes when the handler is created, not when a webhook arrives', () => {
  expect(() => createHandler({ secret: 'short' })).toThrow(/at least 20 characters/)
})

test.each<[Partial<HandlerOptions>, boolean]>([
  [{}, false],
  [{ github: { token: 't' } }, false],
  [{ github: { repository: 'acme/shop' } }, false],
  [{ github: { token: '', repository: 'acme/shop' } }, false],
  [{ github: { token: 't', repository: 'acme/shop' } }, true],
  [{ github: { token: 't' }, repositories: { bot: 'acme/bot' } }, true],
  [{ github: { app: { appId: 1, privateKey: 'key' }, repository: 'acme/shop' } }, true],
])('%j: GitHub is configured: %j', (options, isConfigured) => {
  expect(readOptions({ secret: SECRET, ...options }).forges !== null).toBe(isConfigured)
})

test('production is the only environment unless others are named', () => {
  expect(readOptions({ secret: SECRET }).deployment.environments).toEqual(['production'])
  expect(readOptions({ secret: SECRET, environments: ['staging'] }).deployment.environments).toEqual(['staging'])
})

test('a token that no header can have is refused without being shown', () => {
  const github = { token: 'ghp_secret\nx', repository: 'acme/shop' }
  expect(() => readOptions({ secret: SECRET, github })).toThrow(
    'github.token: must be visible ASCII characters without spaces.',
  )
})
