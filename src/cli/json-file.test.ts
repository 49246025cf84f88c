import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { CliError } from './failure.ts'
import { parseJson, readJsonFile } from './json-file.ts'

function mistake(text: string): string {
  try {
    parseJson(text, 'config.json')
  } catch (error) {
    if (error instanceof CliError) return error.message
    throw error
  }
  throw new Error('it was expected to fail')
}

test.each([
  ['', 'config.json, line 1, column 1: Unexpected end of JSON input.'],
  ['{\n  "a": 1,\n  "b"', "config.json, line 3, column 6: Expected ':' after property name."],
  ['{\n  "a": tru\n}', /^config\.json, line 2, column 11: Unexpected token /],
  ["{'a':1}", "config.json, line 1, column 2: Expected property name or '}'."],
  ['{"a":1} x', 'config.json, line 1, column 9: Unexpected non-whitespace character after JSON.'],
  ['[1,2', "config.json, line 1, column 5: Expected ',' or ']' after array element."],
  ['{"a":1,}', 'config.json, line 1, column 8: Expected double-quoted property name.'],
  [`{"long": "${'x'.repeat(200)}",\n "a": nope}`, /^config\.json, line 2, column 8: Unexpected token 'o'\.$/],
])('the mistake in %j is named by its place', (text, expected) => {
  expect(mistake(text)).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
})

test('a stray character anywhere is found where it is, or after it', () => {
  const documents = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('?', ']', '}', '\u0001'))
  fc.assert(
    fc.property(documents, ([json, at, stray]) => {
      const place = at % (json.length + 1)
      const text = json.slice(0, place) + stray + json.slice(place)
      try {
        JSON.parse(text)
      } catch {
        const [, line, column] = /line (\d+), column (\d+)/.exec(mistake(text)) ?? []
        const before = text.split('\n').slice(0, Number(line) - 1)
        const offset = before.reduce((sum, each) => sum + each.length + 1, 0) + Number(column) - 1
        // A bracket may be fine where it stands and only end the document too early.
        expect(offset).toBeGreaterThanOrEqual(place)
        expect(offset).toBeLessThanOrEqual(text.length)
      }
    }),
  )
})

test('a file may begin with a byte order mark, and - is standard input', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-json-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'config.json')
  await writeFile(file, '\ufeff{"a":1}')
  const terminal = { folder: '/', readInput: async () => '[2]' }
  expect(await readJsonFile(terminal, file)).toEqual({ a: 1 })
  expect(await readJsonFile(terminal, '-')).toEqual([2])
})

test('a file that is not there is named', async () => {
  const reading = readJsonFile({ folder: tmpdir(), readInput: async () => '' }, 'none.json')
  await expect(reading).rejects.toMatchObject({
    code: 'file_unreadable',
    message: 'none.json cannot be read: there is no such file.',
  })
})
