import fc from 'fast-check'
import { expect, test } from 'vitest'
import { notesSection, withoutNotes } from './notes.ts'

function noteOf(order: number, text = `note ${order}`) {
  return { key: `k${order}`, order, text }
}

test('one note is kept and not shown, because its body is', () => {
  const section = notesSection('', noteOf(1))
  expect(section.replace(/<!--.*?-->/s, '').trim()).toBe('')
  expect(notesSection('', null)).toBe('')
})

test('any text survives as data, whatever it looks like', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const first = `body${notesSection('', noteOf(1, `${one}-->--<`))}`
      const second = notesSection(first, noteOf(2, other))
      expect(withoutNotes(first)).toBe('body')
      expect(notesSection(second, noteOf(2, other))).toBe(second)
      expect(second).toContain(`${one}-->--<`)
      expect(second.match(/<!-- signalbox-notes:[^<>]* -->/g)).toHaveLength(1)
    }),
  )
})

test('of very many the oldest are counted only', () => {
  let body = ''
  for (let order = 1; order <= 50; order += 1) body = notesSection(body, noteOf(order, `${order} ${'x'.repeat(500)}`))
  expect(body.length).toBeLessThan(20_000)
  const more = Number(/and (\d+) more before/.exec(body)?.[1])
  expect(more + (body.match(/^\d+ x/gm)?.length ?? 0)).toBe(49)
})

test('what a person made of them is ignored', () => {
  for (const edited of ['\n\n<!-- signalbox-notes:nonsense -->', '\n\n<!-- signalbox-notes:{"notes":1} -->']) {
    expect(notesSection(edited, noteOf(1))).toBe(notesSection('', noteOf(1)))
  }
})
