import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { parseTemplate, renderTemplate, templateProblem } from './template.ts'

const plain = { text: (text: string) => text, value: (lines: readonly string[]) => lines }

function render(template: string, root: unknown): string {
  return renderTemplate(parseTemplate(template), root, plain).join('\n')
}

describe('a template', () => {
  const root = {
    data: {
      app_name: 'bot',
      revision: 0,
      live: false,
      none: null,
      empty: '',
      labels: ['a', 'b'],
      sha: '0123456789abcdef0123456789abcdef01234567',
      message: 'First line\nsecond line',
      list: [{ name: 'x' }],
    },
  }

  it.each([
    ['{{data.app_name}} is live', 'bot is live'],
    ['{{ data.app_name }}@{{data.revision}} {{data.live}}', 'bot@0 false'],
    ['a {{data.nothing}}{{data.app_name.length}}{{data.constructor}}{{__proto__}} {{data.revision}}', 'a  0'],
    ['{{data.labels}} {{data.list.0.name}}', '["a","b"] x'],
    ['{{data.sha | short}}: {{data.message|short}}', '0123456: First line'],
    ['{{data.none | json}} {{data.app_name | json}}', 'null "bot"'],
    ['no values } }} { here', 'no values } }} { here'],
  ])('%j becomes %j', (template, text) => {
    expect(templateProblem(template)).toBeNull()
    expect(render(template, root)).toBe(text)
  })

  it('leaves out a line on which every value is empty', () => {
    expect(render('one\nMessage: {{data.none}}{{data.empty}}\n\n{{data.app_name}} {{data.none}}\ntwo', root)).toBe(
      'one\n\nbot \ntwo',
    )
  })

  it.each([
    ['{{data.a', 'must close every "{{" with "}}" on the same line'],
    ['{{data.a\n}}', 'must name a value, as {{data.app_name}}'],
    ['{{}}', 'must name a value, as {{data.app_name}}'],
    ['{{a | upper}}', 'must use one of the filters short, json and changes, not "upper"'],
    ['{{a | constructor}}', 'must use one of the filters short, json and changes, not "constructor"'],
    ['{{a | short | json}}', 'must have one filter at most'],
    ['{{a}}'.repeat(41), 'must name at most 40 values'],
    ['{{a {{b}} }}', 'must close every "{{" with "}}" on the same line'],
  ])('%j is refused', (template, problem) => {
    expect(templateProblem(template)).toBe(problem)
  })

  it('runs nothing: a value with braces in it stays as it is', () => {
    expect(render('{{a}}', { a: '{{b}}', b: 'secret' })).toBe('{{b}}')
  })

  test('of any text is refused or rendered', () => {
    const piece = fc.constantFrom('{{', '}}', '{', '}', '|', 'data', '.', ' ', '\n', 'short', 'x')
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (template) => {
          if (templateProblem(template) !== null) return
          expect(typeof render(template, { data: { x: 1 } })).toBe('string')
          expect(render(template, {})).not.toContain('{{')
        },
      ),
    )
  })
})

describe('what changed', () => {
  it('is a line for each parameter', () => {
    const diff = {
      added: { top_p: 0.9 },
      modified: { 'model.name': { old: 'a', new: 'b\nc' } },
      removed: { stop: 'x' },
    }
    expect(render('{{d | changes}}', { d: diff })).toBe('+ top_p: 0.9\nmodel.name: a → b\nc\n− stop')
    expect(render('{{d | changes}}', { d: { added: {}, modified: {}, removed: {} } })).toBe('No parameter changed.')
    expect(render('x{{d | changes}}', { d: 'text' })).toBe('')
  })

  it('is fifteen lines at most', () => {
    const added = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`p${i}`, i]))
    const lines = render('{{d | changes}}', { d: { added } }).split('\n')
    expect([lines.length, lines.at(-1)]).toEqual([16, '… and 25 more'])
  })
})
