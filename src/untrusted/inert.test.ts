import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chatLine, codeSpan, fenced, inline, plainLine, visible, visibleJson } from './inert.ts'

test.each([
  'customer-support-bot',
  'v2-optimized',
  'jane@company.com',
  'my_app_name v1.2 (beta)',
  'Improved response quality',
  '客服机器人',
  '🚀 launch',
])('plain text stays as it is: %s', (text) => expect(inline(text)).toBe(text))

test.each([
  ['@everyone look', '`＠everyone look`'],
  ['hi.@user', '`hi.＠user`'],
  ['é@user', '`é＠user`'],
  ['<img src=x onerror=alert(1)>', '`<img src=x onerror=alert(1)>`'],
  ['fixes #1', '`fixes ＃1`'],
  ['Closes: acme/shop#12', '`Closes: acme/shop＃12`'],
  ['resolved GH-7', '`resolved GH‐7`'],
  ['fixes https://github.com/acme/shop/issues/1', '`fixes https:／／github.com/acme/shop/issues/1`'],
  ['see www.evil.example', '`see www.evil.example`'],
  ['[click](javascript:alert(1))', '`[click](javascript:alert(1))`'],
  ['#1 and acme/shop#2, not #abc or #1a2b3c', '`＃1 and acme/shop＃2, not #abc or #1a2b3c`'],
  ['see GH-7', '`see GH‐7`'],
  ['a ``` b', '```` a ``` b ````'.replaceAll('```` ', '````').replaceAll(' ````', '````')],
  ['`x`', '`` `x` ``'],
  ['two\nlines', 'two lines'],
  ['', '`  `'],
])('%j becomes %j', (text, expected) => expect(inline(text)).toBe(expected))

test('hidden characters are written out, an emoji keeps its joiners', () => {
  expect(visible('a\u200bb\u202ec\u{e0041}\r\nd\te')).toBe('a⟨U+200B⟩b⟨U+202E⟩c⟨U+E0041⟩\nd\te')
  expect(visible('👩\u200d💻 ❤\ufe0f')).toBe('👩\u200d💻 ❤\ufe0f')
})

test('JSON with hidden characters is the same value in visible bytes', () => {
  const value = { text: 'a\u200b\u202e\u{e0041}b' }
  const json = visibleJson(JSON.stringify(value))
  expect(json).toBe('{"text":"a\\u200b\\u202e\\udb40\\udc41b"}')
  expect(JSON.parse(json)).toEqual(value)
})

test('a title or commit subject mentions nobody, closes nothing and skips no checks', () => {
  expect(plainLine('hey @org/team fixes #1\n\nCo-authored-by: x [skip ci] jane@company.com', 200)).toBe(
    'hey ＠org/team fixes ＃1 Co-authored-by: x (skip ci) jane@company.com',
  )
  expect(plainLine('x'.repeat(300), 100)).toHaveLength(100)
})

test.each(['[skip ci]', '[CI Skip]', '[no ci]', '[skip actions]', '[actions skip]', '[ skip-ci ]', '[skip netlify]'])(
  'a squash merge that copies %s skips no checks, and it reads the same',
  (directive) => {
    const shown = directive.replace('[', '［')
    expect(inline(`v2 ${directive}`)).toBe(`\`v2 ${shown}\``)
    expect(fenced(['+a', `+${directive}`], 'diff')).toEqual(['```diff', '+a', `+${shown}`, '```'])
  },
)

test("Azure's directive is disarmed too, other brackets are as they were", () => {
  expect(inline('***NO_CI***')).toBe('`***NO‗CI***`')
  for (const text of ['[1, 2]', '[skip]', '[x](y)', '["skip","ci"]', '[no, ci]'])
    expect(codeSpan(text)).toBe(`\`${text}\``)
  expect(plainLine('***NO_CI*** x', 200)).toBe('***NO‗CI*** x')
})

test('no text gets out of its code span or fence', () => {
  const text = fc.string({ unit: fc.constantFrom('`', '~', ' ', 'a', '\\', '<', '@') })
  fc.assert(
    fc.property(text, (line) => {
      const span = codeSpan(line)
      const ticks = /^`+/.exec(span)?.[0] ?? ''
      const inside = span.slice(ticks.length, -ticks.length)
      expect(inside.match(/`+/g) ?? []).not.toContain(ticks)
      const [open = '', ...rest] = fenced([line], 'diff')
      const fence = /^`+/.exec(open)?.[0] ?? ''
      expect(fence.length).toBeGreaterThanOrEqual(3)
      expect(rest.slice(0, -1).join('\n')).not.toContain(fence)
    }),
  )
})

test('nobody is mentioned in a code span or block, because a squash merge copies it into a commit message', () => {
  expect(codeSpan('ask @org/team about #1')).toBe('`ask ＠org/team about ＃1`')
  expect(fenced(['+cc @someone, GH-2', '-jane@company.com'], 'diff')).toEqual([
    '```diff',
    '+cc ＠someone, GH‐2',
    '-jane@company.com',
    '```',
  ])
})

test('lines are cut to their length, an emoji as a whole', () => {
  expect(plainLine('abc', 3)).toBe('abc')
  expect(plainLine('abcd', 3)).toBe('ab…')
  expect(plainLine('ab🤖d', 4)).toBe('ab…')
  expect(plainLine('  a  \n  b  ', 10)).toBe('a b')
  expect(inline('word '.repeat(1000)).length).toBeLessThanOrEqual(1000)
})

test('a text of any length has any number of hidden characters written out', () => {
  expect(visible('\u200b'.repeat(3))).toBe('⟨U+200B⟩⟨U+200B⟩⟨U+200B⟩')
  expect(visible('\ud800')).toBe('\ufffd')
  expect(visible('\u2028\u2029\u0000\u001b')).toBe('⟨U+2028⟩⟨U+2029⟩⟨U+0000⟩⟨U+001B⟩')
  // A joiner or a style outside an emoji hides something.
  expect(visible('a\u200db')).toBe('a⟨U+200D⟩b')
  expect(visible('a\ufe0f')).toBe('a⟨U+FE0F⟩')
})

test('visible JSON is the same value, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const json = visibleJson(JSON.stringify({ text }))
      expect(JSON.parse(json)).toEqual({ text })
      expect(json).not.toMatch(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/)
    }),
  )
})

test('nothing in a line of Markdown acts, and a line stays a line', () => {
  const pieces = fc.constantFrom(
    '@a',
    '#1',
    'fixes ',
    '<b>',
    '[x](y)',
    '`',
    '\n',
    '*',
    'https://x.example',
    ' ',
    'a',
    '|',
    '\\',
  )
  fc.assert(
    fc.property(fc.array(pieces), (parts) => {
      const shown = inline(parts.join(''))
      expect(shown).not.toContain('\n')
      // Outside a code span there are only characters that Markdown leaves alone.
      if (!shown.startsWith('`')) expect(shown).not.toMatch(/[@#<>[\]`*|\\]|https?:/)
      expect(shown).not.toMatch(/\bfixes\s+(?:#\d+\b|https:\/\/)/)
    }),
  )
})

test("the publisher's own marker cannot be forged inside code", () => {
  expect(codeSpan('<!-- signalbox:key=x -->')).not.toContain('<!-- signalbox:')
  expect(fenced(['<!-- signalbox:key=x -->'], 'diff').join('\n')).not.toContain('<!-- signalbox:')
})

test('a line of a chat mentions nobody, hides nothing and has no link under another name', () => {
  expect(chatLine('@everyone\nhi\u200b [bank](https://evil.example) jane@example.com', 200)).toBe(
    '＠everyone hi⟨U+200B⟩ [bank] (https://evil.example) jane@example.com',
  )
  expect(chatLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`)
})
