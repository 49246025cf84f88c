import { expect, test } from 'vitest'
import { readEnvironment } from './environment.ts'
import { readServerVariables } from './variables.ts'

const NAMES = ['PORT', 'SIGNALBOX_URL', 'SIGNALBOX_API_TOKEN', 'SIGNALBOX_DATA_DIR']

/** What is read of these variables, or what is said against them. */
function outcome(read: (env: Record<string, string>) => object, env: Record<string, string>): object {
  try {
    return Object.fromEntries(Object.entries(read(env)).filter(([name]) => NAMES.includes(name)))
  } catch (error) {
    return error as Error
  }
}

test.each([
  {},
  { PORT: ' 9000 ', SIGNALBOX_URL: '', SIGNALBOX_DATA_DIR: '/var/lib/signalbox' },
  { SIGNALBOX_URL: 'https://signalbox.example.com/box', SIGNALBOX_API_TOKEN: 'a-token-of-twenty-letters' },
  { PORT: '65536' },
  { PORT: 'x', SIGNALBOX_URL: 'localhost:8000', SIGNALBOX_API_TOKEN: 'short' },
  { SIGNALBOX_API_TOKEN: 'a token with spaces inside' },
])('%j says the same to a command as to a service', (env) => {
  const read = outcome(readServerVariables, env)
  const all = outcome(readEnvironment, env)
  if (all instanceof Error) expect(read).toMatchObject({ code: 'config_invalid', message: all.message })
  else expect(read).toMatchObject(all)
})

test('a command that asks a server does not mind what only a service needs', () => {
  expect(readServerVariables({ DATABASE_URL: 'nonsense', MAX_CONCURRENT_JOBS: 'many' }).PORT).toBe(8000)
})
