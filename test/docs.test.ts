// The documents say what the program does: the tables of errors and of settings are compared with
// it.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VARIABLE_NAMES } from '../src/lib/environment.ts'
import { ERRORS } from '../src/lib/error.ts'

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
}

test('docs/errors.md lists exactly the errors of the table', () => {
  const listed = [...read('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \| (.*) \|$/gm)]
  const rows = listed.map(([, code, status, message, hint]) => [code, { status: Number(status), message, hint }])
  expect(Object.fromEntries(rows)).toEqual(ERRORS)
})

test('.env.example, docs/configuration.md and the program know the same variables', () => {
  const inExample = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map((match) => match[1])
  const inDocs = [...read('docs/configuration.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1])
  expect([...inExample].sort()).toEqual([...VARIABLE_NAMES].sort())
  expect([...inDocs].sort()).toEqual([...VARIABLE_NAMES].sort())
})
