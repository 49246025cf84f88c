import { expect, test } from 'vitest'
import { shownSource } from './shown-source.ts'

test.each([
  ['github', 'set GITHUB_WEBHOOK_SECRET'],
  ['agenta', 'set AGENTA_WEBHOOK_SECRET'],
  ['gitea', 'give it a secret in signalbox.config.ts'],
])('a closed source %s says how to open it', (name, hint) => {
  expect(shownSource({ name, secrets: [] })).toEqual({
    name,
    path: `/webhook/${name}`,
    status: 'closed',
    secrets: 0,
    paused: null,
    hint,
  })
})

test('an open one shows how many secrets it has, and none of them', () => {
  const shown = shownSource({ name: 'github', secrets: ['first-secret', 'second-secret'] })
  expect(shown).toMatchObject({ status: 'open', secrets: 2, hint: null })
  expect(JSON.stringify(shown)).not.toContain('-secret')
})
