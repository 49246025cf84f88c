import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuMs } from '../../test/cpu-time.ts'
import { commandIn } from './command-text.ts'

function read(text: string) {
  const found = commandIn(text)
  return found && [found.name, ...found.words].join(' ')
}

test.each([
  ['/review', 'review'],
  ['  /Deploy staging', 'deploy staging'],
  ['Looks good.\n/deploy staging --dry-run  ', 'deploy staging --dry-run'],
  ['Hello\r\n\r\n/deploy a\r\nbye', 'deploy a'],
  ['> /deploy production\n\n/review', 'review'],
  ['```\n/deploy production\n```\n/review', 'review'],
  ['<!-- /deploy production -->\n/review', 'review'],
  ['<!--\n/deploy production\n-->\n/review', 'review'],
  ['/first\n/second', 'first'],
  ['/task fix the "login page" --reason=\'it is late\'', 'task fix the login page --reason=it is late'],
  ['/task ❤️ it', 'task ❤️ it'],
])('%j gives a command', (text, command) => {
  expect(read(text)).toBe(command)
})

describe('no command is', () => {
  test.each([
    ['in a quote', '> /deploy'],
    ['in a quote in a quote', '> > /deploy'],
    ['what goes on in a quote without its mark', '> as he said\n/deploy'],
    ['what goes on in an item of a list', '- as he said\n/deploy'],
    ['an item of a list', '* /deploy'],
    ['indented code', '    /deploy'],
    ['code indented by a tab', '\t/deploy'],
    ['fenced code', '```sh\n/deploy\n```'],
    ['fenced code with other marks', '~~~\n```\n/deploy\n~~~'],
    ['fenced code that a shorter or indented fence does not end', '````\n```\n    ````\n/deploy'],
    ['fenced code without an end', '```\n/deploy'],
    ['fenced code in a list', '- ```\n  /deploy\n  ```'],
    ['fenced code in a quote', '> ```\n/deploy'],
    ['in a span of code over lines', 'run `\n/deploy\n` now'],
    ['in a span of code with a comment', 'run `a <!--\n-->\n/deploy`'],
    ['in a link over lines', '[see\n/deploy\n](https://example.com)'],
    ['in a hidden comment', '<!--\n/deploy\n-->'],
    ['in a hidden comment without an end', 'a <!-- b\n\n/deploy'],
    ['after a comment in one line that begins another', '<!-- a --> <!--\n/deploy'],
    ['in details', '<details>\n<summary>Log</summary>\n\n/deploy\n\n</details>'],
    ['in nested details', '<details><details></details>\n\n/deploy\n</details>'],
    ['in details that only code ends', '<details>\n\n```\n</details>\n```\n\n/deploy'],
    ['in details that a comment ends', '<details>\n<!-- </details> -->\n\n/deploy'],
    ['in preformatted text', '<PRE>\n\n/deploy\n</PRE>'],
    ['in a tag over lines', '<a\n/deploy\n>'],
    ['of a look-alike letter', '/d\u0435ploy'],
    ['with a hidden character in its name', '/dep\u200bloy'],
    ['after a hidden character', '\u200b/deploy'],
    ['with a hidden character in its words', '/deploy prod\u200buction'],
    ['with text that runs the other way', '/deploy \u202enoitcudorp'],
    ['with tags nobody sees', `/deploy ${String.fromCodePoint(0xe0061)}`],
    ['after a space of another kind', '\u00a0/deploy'],
    ['a path', '/usr/bin/env'],
    ['in a sentence', 'please /deploy'],
    ['two slashes', '//deploy'],
    ['nothing but a slash', '/ deploy'],
    ['too long', `/deploy ${'x'.repeat(2000)}`],
    ['a line separator', 'a\u2028/deploy'],
  ])('%s', (_, text) => {
    expect(read(text)).toBeNull()
  })
})

const piece = fc.constantFrom(
  ...['/deploy now', '> ', '```', '~~~', '<!--', '-->', '<details>', '</details>', '<pre>', '</pre>', '- ', '    '],
  ...['\n', '\n\n', '\r\n', ' ', 'text', '`', '\t', '\u200b', '1. '],
)

test('whatever surrounds it, a quoted, fenced or hidden command gives none', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (before) => {
      const text = before.join('').replaceAll('/deploy now', 'x')
      for (const shown of ['> /deploy now', '    /deploy now', '<!-- /deploy now', '\u200b/deploy now']) {
        expect(commandIn(`${text}\n${shown}`)).toBeNull()
      }
      // Unless it ends a fence of before.
      const unfenced = text.replaceAll(/[`~]/g, '')
      expect(commandIn(`${unfenced}\n\n\`\`\`\`\`\n/deploy now`)).toBeNull()
    }),
  )
})

test('a command in the first line of a text is always found, and none is anything but a line of it', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (after) => {
      const text = after.join('')
      expect(commandIn(`/deploy now\n${text}`)).toEqual({ name: 'deploy', words: ['now'] })
      if (commandIn(text) !== null) expect(text).toMatch(/(?:^|[\r\n]) {0,3}\/deploy now/)
    }),
  )
})

test.each([
  ['fences', '```'],
  ['tags', '<details><'],
  ['comments', '<!---->'],
  ['quotation marks', '/a "'],
  ['list marks', '- 1. '],
  ['spaces', '/a     '],
  ['ends of tags', '</details>'],
  ['lines', '\n/ a'],
])('a hostile text of %s takes no time', (_, part) => {
  const tookMs = cpuMs(() => {
    commandIn(part.repeat(200_000 / part.length))
    commandIn(`/a ${part.repeat(900 / part.length)}`)
  })
  expect(tookMs).toBeLessThan(500)
})
