import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inertText, inertTitle } from './inert-text.ts'

describe('a text of several lines', () => {
  test('keeps its code, and all else is plain', () => {
    expect(inertText('Call `sum(a)` first.\n\n```ts\nconst a = [1]\n```\n')).toBe(
      'Call `sum(a)` first.\n\n```\nconst a = [1]\n```',
    )
    expect(inertText('**Bold** [link](x) <img> | a_b')).toBe('\\*\\*Bold\\*\\* \\[link\\](x) \\<img\\> \\| a\\_b')
    expect(inertText('# Big\nText\n---\n- one\n1. two\n/deploy now')).toBe(
      '\\# Big\nText\n\\---\n\\- one\n1\\. two\n\\/deploy now',
    )
  })

  test('mentions nobody, links nowhere and closes nothing', () => {
    expect(inertText('@jane see https://evil.example/x and #12')).toBe('＠jane see `https://evil.example/x` and ＃12')
    expect(inertText('fixes https://github.com/a/b/issues/1')).toContain('`https')
    expect(inertText('<!-- signalbox:key=job=1/a -->')).not.toContain('<!-- signalbox')
  })

  test('has no token, also where one would be escaped', () => {
    const token = ['ghp', '_Zk3rT9vQw1LxB7nYc5DfHs', '2JmPa8GeUo4R6'].join('')
    expect(inertText(`It is ${token}.`)).toBe('It is \\[redacted\\].')
    expect(inertTitle(token)).toBe('\\[redacted\\]')
  })

  test('whatever it is, HTML, links and mentions stand in code only', () => {
    const part = fc.constantFrom('`', '```', '\n', '<b>', '](', '@jane', '~~~', ' ', '\\', 'http://a.b', 'x', '#1', '!')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = inertText(parts.join(''))
        expect(text).not.toMatch(/(?<!\w)@jane/)
        expect(withoutCode(text)).not.toMatch(/(?<!\\)(?:\\\\)*(?:<b|\]\()/)
      }),
    )
  })
})

/** The text without its blocks and spans of code. */
function withoutCode(text: string): string {
  const outside = text.replace(/^(`{3,})[^`\n]*\n(?:.*\n)*?\1$/gm, '')
  return outside.replace(/(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)/g, '')
}
