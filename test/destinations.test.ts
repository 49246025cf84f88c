// The endpoints of docs/destinations.md can be made as they are printed there.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readTarget } from '../src/deliveries/fixtures/to-prepare.ts'
import type { KindName } from '../src/deliveries/kinds/kind.ts'
import { KIND_NAMES } from '../src/deliveries/kinds/kind.ts'
import { readTemplates } from '../src/deliveries/messages/message.ts'

const text = readFileSync(new URL('../docs/destinations.md', import.meta.url), 'utf8')
const examples = [...text.matchAll(/^```json\n(.*?)^```/gms)].map((match) => JSON.parse(match[1] ?? ''))

test('every kind has an example', () => {
  expect([...new Set(examples.map(({ kind }) => kind))].sort()).toEqual([...KIND_NAMES].sort())
})

test.each(examples.map((example) => [example.name, example]))(
  '"%s" is accepted',
  (_, { kind, templates, ...given }) => {
    readTemplates(templates ?? {})
    const { url: shown } = readTarget(kind as KindName, given, (url) => (URL.canParse(url) ? null : 'is not a URL'))
    const row = text.split('\n').find((line) => line.startsWith(`| \`${kind}\``)) ?? ''
    expect(shown.split(/[:@]/)[0]).toBe(/ `(\w+):[^`]*` \|$/.exec(row)?.[1] ?? 'https')
  },
)
