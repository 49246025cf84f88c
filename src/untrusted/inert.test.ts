import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeSpan, fenced, inline, plainLine, visible, visibleJson } from './inert.ts'

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
  ['@everyone look', '`@everyone look`'],
  ['hi.@user', '`hi.@user`'],
  ['é@user', '`é@user`'],
  ['<img src=x onerror=alert(1)>', '`<img src=x onerror=alert(1)>`'],
  ['fixes #1', '`fixes ＃1`'],
  ['Closes: acme/shop#12', '`Closes: acme/shop＃12`'],
  ['resolved GH-7', '`resolved GH‐7`'],
  ['fixes https://github.com/acme/shop/issues/1', '`fixes https:／／github.com/acme/shop/issues/1`'],
  ['see www.evil.example', '`see www.evil.example`'],
  ['[click](javascript:alert(1))', '`[click](javascript:alert(1))`'],
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
