import fc from 'fast-check'
import { expect, test } from 'vitest'
import { redact } from '../untrusted/redact.ts'
import { changeEntries } from './changes.ts'
import { readChanges } from './deployment-event.ts'

function entriesOf(diff: unknown) {
  return [...changeEntries(readChanges(redact(diff)))].map(({ entry }) => entry)
}

function modified(old: unknown, now: unknown, key = 'prompt') {
  return entriesOf({ modified: { [key]: { old, new: now } } })[0] ?? ''
}

test('modified parameters come first, then added, then removed ones, each under its heading', () => {
  const diff = { removed: { c: 1 }, added: { b: 1 }, modified: { a: { old: 1, new: 2 } } }
  expect([...changeEntries(readChanges(diff))].map(({ heading }) => heading)).toEqual([
    '### Modified Parameters',
    '### Added Parameters',
    '### Removed Parameters',
  ])
})

test.each([
  [0.7, 0.5, '`0.7` → `0.5`'],
  ['gpt-4', 'gpt-5', '`gpt-4` → `gpt-5`'],
  [true, null, '`true` → `null`'],
  [{ b: 1, a: [2] }, {}, '`{"a":[2],"b":1}` → `{}`'],
  // A space at an end, or nothing at all, would not be seen.
  ['x', 'x ', '`x` → `"x "`'],
  ['', 'x', '`""` → `x`'],
  // A text that is JSON would pass for the value.
  ['0.7', 0.5, '`"0.7"` → `0.5`'],
  ['true', true, '`"true"` → `true`'],
  ['null', 'nullable', '`"null"` → `nullable`'],
  // Both would look the same.
  ['a\r\nb', 'a\nb', '`"a\\r\\nb"` → `"a\\nb"`'],
])('%j changed to %j is shown as %s', (old, now, shown) => expect(modified(old, now)).toBe(`- **prompt**: ${shown}`))

test('a change without its old value is shown like an added one', () => {
  expect(entriesOf({ modified: { a: { new: 2 } } })).toEqual(entriesOf({ added: { a: 2 } }))
})

test('a value of several lines is a diff of its lines, with three around them', () => {
  const old = Array.from({ length: 12 }, (_, at) => `line ${at}`)
  const now = old.with(6, 'changed')
  expect(modified(old.join('\n'), now.join('\n')).split('\n')).toEqual([
    '- **prompt**:',
    '',
    '  ```diff',
    '  @@ -4,7 +4,7 @@',
    '   line 3',
    '   line 4',
    '   line 5',
    '  -line 6',
    '  +changed',
    '   line 7',
    '   line 8',
    '   line 9',
    '  ```',
  ])
})

test('a long value that is added or removed has its sign on each line', () => {
  const value = { text: 'x'.repeat(300) }
  for (const [part, sign] of [
    ['added', '+'],
    ['removed', '-'],
  ] as const) {
    expect(entriesOf({ [part]: { config: value } })[0]?.split('\n')).toEqual([
      '- **config**:',
      '',
      '  ```diff',
      `  ${sign}{`,
      `  ${sign}  "text": "${'x'.repeat(300)}"`,
      `  ${sign}}`,
      '  ```',
    ])
  }
})

test('texts with nothing in common are shown one after the other', () => {
  const lines = (word: string) => Array.from({ length: 300 }, (_, at) => `${word} ${at}`).join('\n')
  const shown = modified(lines('old'), lines('new')).split('\n')
  expect(shown.slice(3, 5)).toEqual(['  -old 0', '  -old 1'])
  expect(shown).toContain('  -old 299')
  expect(shown).toContain('  +new 0')
  expect(shown).not.toContain('  @@ -1,300 +1,300 @@')
})

test('a long diff is cut, and says how much is missing', () => {
  const many = entriesOf({ added: { prompt: 'line\n'.repeat(1000) } })[0]?.split('\n') ?? []
  expect(many.at(-2)).toBe('  … 601 more lines')
  const wide = entriesOf({ added: { prompt: `${'x'.repeat(5000)}\n`.repeat(20) } })[0]?.split('\n') ?? []
  expect(Math.max(...wide.map((line) => line.length))).toBeLessThanOrEqual(2002)
  expect(wide.at(-2)).toMatch(/^ {2}… \d+ more lines$/)
  expect(wide.length).toBeLessThan(20)
})

test('secrets are not shown, wherever they stand', () => {
  const diff = {
    added: { api_key: 'sk-proj-abcdefghijklmnop1234', headers: { Authorization: 'Bearer abcdefghijklmnop1234' } },
    modified: {
      prompt: { old: 'Use ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaa', new: 'Use nothing' },
      'db.password': { old: 'a', new: 'b' },
    },
    removed: { token: 'opaque-value' },
  }
  const shown = entriesOf(diff).join('\n')
  expect(shown).not.toMatch(/sk-proj|Bearer a|ghp_|opaque/)
  expect(shown).toContain('- **prompt**: `Use [redacted]` → `Use nothing`')
  expect(shown).toContain('- **db.password**: `"[redacted]"` → `"[redacted]"`')
})

test('no name and no value gets out of its entry', () => {
  const hostile = fc.string({ unit: fc.constantFrom('`', '\n', '~', '#', '-', ' ', '<', '@', 'a', '\u202e') })
  fc.assert(
    fc.property(hostile, hostile, hostile, (key, old, now) => {
      const entry = modified(old, now, key)
      expect(entry).not.toContain('\u202e')
      const [first = '', ...rest] = entry.split('\n')
      expect(first.startsWith('- **')).toBe(true)
      // What follows is a block that belongs to the entry.
      for (const line of rest) expect(line === '' || line.startsWith('  ')).toBe(true)
    }),
  )
})
