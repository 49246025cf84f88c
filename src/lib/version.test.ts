// The version is the one of package.json.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VERSION } from './version.ts'

test('the version is the one in package.json, by semantic versioning', () => {
  expect(JSON.parse(readFileSync('package.json', 'utf8')).version).toBe(VERSION)
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+/)
})
