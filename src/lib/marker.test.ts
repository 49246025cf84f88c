import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cpuMs } from '../../test/cpu-time.ts'
import { markedKeys, markerText, readMarker, withMarker } from './marker.ts'

test('a marker is one readable HTML comment', () => {
  const marker = { keys: ['deployment=1'], series: 'deploy:bot:production', order: 7 }
  expect(markerText(marker)).toBe('<!-- signalbox:key=deployment=1 series=deploy:bot:production order=7 -->')
  expect(readMarker(`text\n\n${markerText(marker)}`)).toEqual(marker)
})

test('any key and series come back, and cannot end the comment', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }),
      fc.string({ unit: 'binary' }),
      (keys, series) => {
        const marker = { keys, series: series.toWellFormed(), order: undefined }
        const text = markerText(marker)
        expect(text.slice(4, -3)).not.toMatch(/[<>\n]/)
        expect(readMarker(`a\n${text}\nb`)).toEqual(marker)
      },
    ),
  )
})

test('a text ends with exactly the new marker, within its limit', () => {
  const once = withMarker('body', { keys: ['a'] }, 1000)
  const twice = withMarker(`${once}\nadded by hand`, { keys: ['b'] }, 1000)
  expect(twice).toBe('body\n\n\nadded by hand\n\n<!-- signalbox:key=b -->')
  expect(withMarker('x'.repeat(5000), { keys: ['a'] }, 1000)).toHaveLength(1000)
  expect(readMarker(withMarker('x'.repeat(5000), { keys: ['a'] }, 1000))?.keys).toEqual(['a'])
})

test('no marker of the text itself is left, however they are put into one another', () => {
  const part = fc.constantFrom(
    '<!-- signal',
    'box:key=x',
    '<!-- signalbox:',
    'signalbox:',
    'key=x',
    ' -->',
    '<!-- ',
    ':',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      expect(markedKeys(withMarker(parts.join(''), { keys: ['own'] }, 1000))).toEqual(['own'])
    }),
  )
  const nested = '<!-- signal<!-- signalbox:key=a -->box:key=b -->'
  expect(markedKeys(withMarker(nested, { keys: ['own'] }, 1000))).toEqual(['own'])
})

test('a marker keeps the newest keys, and never outgrows the body', () => {
  const numbered = Array.from({ length: 60 }, (_, at) => `deployment=${at}`)
  expect(readMarker(markerText({ keys: numbered }))?.keys).toEqual(numbered.slice(10))
  // The longest keys, of characters that take up nine each.
  const long = Array.from({ length: 60 }, (_, at) => `${at}${'客'.repeat(198)}`)
  const text = withMarker('body', { keys: long, series: '客'.repeat(200), order: 1 }, 65_000)
  expect(text.startsWith('body\n\n<!-- signalbox:')).toBe(true)
  expect(text.length).toBeLessThan(15_000)
  expect(readMarker(text)?.keys).toEqual(long.slice(-5))
})

test('a text without a marker, or with half of one, has none', () => {
  expect(readMarker('<!-- signalbox:key=a')).toBeNull()
  expect(readMarker('')).toBeNull()
  expect(readMarker('<!-- signalbox: -->')?.keys).toEqual([])
  expect(readMarker('<!-- signalbox:key=%zz order=x -->')).toEqual({
    keys: ['%zz'],
    series: undefined,
    order: undefined,
  })
})

test('of several markers the last counts, and the keys of all can be read', () => {
  const text = `${markerText({ keys: ['a', 'b c'] })}\n${markerText({ keys: ['d'], order: 1 })}`
  expect(readMarker(text)?.keys).toEqual(['d'])
  expect(markedKeys(text)).toEqual(['a', 'b c', 'd'])
  expect(markedKeys('<!-- signalbox:series=key=a -->')).toEqual([])
})

test('markers are read in linear time, however hostile the text', () => {
  const tookMs = cpuMs(() => {
    expect(markedKeys('<!-- signalbox:'.repeat(4300))).toEqual([])
    expect(markedKeys(`<!-- signalbox:${'key=a '.repeat(10_000)} -->`)).toHaveLength(10_000)
  })
  expect(tookMs).toBeLessThan(1000)
})
