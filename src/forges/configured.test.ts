import { expect, test } from 'vitest'
import { readEnvironment } from '../lib/environment.ts'
import { silentLog } from '../lib/log.ts'
import { forgesOf, noForgeRemedy } from './configured.ts'

function namesFor(env: Record<string, string>): readonly string[] {
  return forgesOf(readEnvironment(env), silentLog).names
}

test('a forge is there when the environment has its credentials', () => {
  expect(namesFor({})).toEqual([])
  expect(namesFor({ GITHUB_TOKEN: 'token' })).toEqual(['github'])
  expect(namesFor({ GITHUB_APP_ID: '1', GITHUB_APP_PRIVATE_KEY: 'key' })).toEqual(['github'])
})

test('half an App is no credentials', () => {
  expect(namesFor({ GITHUB_APP_ID: '1' })).toEqual([])
  expect(namesFor({ GITHUB_APP_PRIVATE_KEY: 'key' })).toEqual([])
})

test('of half an App the other half is what to set', () => {
  const remedy = (env: Record<string, string>) => noForgeRemedy(readEnvironment(env))
  expect(remedy({ GITHUB_APP_ID: '1' })).toMatch(/^set GITHUB_APP_PRIVATE_KEY too: /)
  expect(remedy({ GITHUB_APP_PRIVATE_KEY: 'key' })).toMatch(/^set GITHUB_APP_ID too: /)
})

test('without any the refusal names what to set for each', () => {
  const remedy = 'set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY'
  expect(noForgeRemedy(readEnvironment({}))).toBe(remedy)
  expect(() => forgesOf(readEnvironment({}), silentLog).of('acme/shop')).toThrow(`No forge is configured: ${remedy}.`)
})
