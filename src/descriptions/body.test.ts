import { expect, test } from 'vitest'
import { FILES_REFERENCE } from '../lib/files-reference.ts'
import { pullRequestBody } from './body.ts'
import type { DeploymentEvent } from './deployment-event.ts'

const FILE = 'deployments/bot/production.json'
const LINK = `[${FILE}](<${FILES_REFERENCE}/${FILE}>)`

function body(data: Partial<DeploymentEvent['data']> = {}, timestamp = '2025-11-20T10:30:00Z'): string {
  const needed = { app_name: 'bot', environment: 'production', deployment_id: 'd1' }
  return pullRequestBody({ event: 'environment.deployed', timestamp, data: { ...needed, ...data } }, { file: FILE })
}

test.each([
  ['2025-11-20T10:30:00Z', '2025-11-20 10:30:00 UTC'],
  ['2025-11-20T11:30:00.25+01:00', '2025-11-20 10:30:00 UTC'],
  ['yesterday @noon', '`yesterday ＠noon`'],
])('the time %s is shown as %s', (timestamp, shown) => {
  expect(body({}, timestamp)).toContain(`**Timestamp**: ${shown}\n`)
})

test.each([
  [3, '**Variant**: v2 (revision 3)\n'],
  ['<b>', '**Variant**: v2 (revision `<b>`)\n'],
  [0, '**Variant**: v2 (revision 0)\n'],
  [null, '**Variant**: v2\n'],
])('the revision %j is shown', (revision, shown) => {
  expect(body({ variant_name: 'v2', revision })).toContain(shown)
})

test('headings stand once above their entries, with an empty line on both sides', () => {
  const config_diff = { modified: { a: { old: 1, new: 2 }, b: { old: 1, new: 2 } }, removed: { c: 1, d: 1 } }
  expect(body({ config_diff })).toContain(
    [
      '## Changes',
      '',
      '### Modified Parameters',
      '',
      '- **a**: `1` → `2`',
      '- **b**: `1` → `2`',
      '',
      '### Removed Parameters',
      '',
      '- **c**: `1`',
      '- **d**: `1`',
      '',
      '## Commit Message',
    ].join('\n'),
  )
})

test('a diff that cannot be read is not passed for one without changes', () => {
  expect(body({ config_diff: 'x' })).toContain('\n*The configuration changes could not be read*\n')
  expect(body({ config_diff: {} })).toContain('\n*No configuration changes detected*\n')
})

test('whoever reads a redacted value learns that it is one', () => {
  const note = '*What looks like a secret is shown as [redacted].*'
  expect(body({ config_diff: { added: { api_key: '[redacted]' } } })).toContain(note)
  expect(body({ config_diff: { added: { top_k: 1 } } })).not.toContain(note)
})

function many(count: number) {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`key_${at}`, `${at} ${'x'.repeat(150)}`]))
}

test('as many changes as fit are shown, and the others counted', () => {
  const shown = body({ config_diff: { added: many(1000) } })
  const missing = Number(/\*(\d+) more changes are too long/.exec(shown)?.[1])
  expect(shown.match(/^- \*\*/gm)).toHaveLength(1000 - missing)
  expect(shown).toContain(`see ${LINK} in this pull request.*`)
  // Close to the limit: one more would not have fitted.
  expect(Buffer.byteLength(shown)).toBeLessThanOrEqual(60_000)
  expect(Buffer.byteLength(shown)).toBeGreaterThan(56_000)
})

test('one missing change is counted in the singular', () => {
  const lines = `${'é'.repeat(1000)}\n`.repeat(10)
  const config_diff = { added: { a: lines, b: lines, c: lines } }
  expect(body({ config_diff })).toContain('*One more change is too long to be shown here')
})

test.each([
  ['https://signalbox.example/api/config', ', or [the whole configuration](<https://signalbox.example/api/config>).*'],
  ['https://x.example/a b)>', ', or [the whole configuration](<https://x.example/a%20b)%3E>).*'],
  ['javascript:alert(1)', ' in this pull request.*'],
  ['not an address', ' in this pull request.*'],
  [`https://x.example/${'a'.repeat(2000)}`, ' in this pull request.*'],
  [null, ' in this pull request.*'],
])('the address %s of the configuration', (config_url, end) => {
  const note = body({ config_diff: { added: many(1000) }, config_url }).match(/^\*\d+ more changes.*$/m)?.[0]
  expect(note?.endsWith(end)).toBe(true)
})

test('a message is quoted line by line, and none of its Markdown acts', () => {
  const commit_message = 'Shorter\n\n# Title\n- [x] done\n![](https://evil.example/x.png)\n'
  expect(body({ commit_message })).toContain(
    [
      '## Commit Message',
      '',
      '> Shorter',
      '>',
      '> `# Title`',
      '> `- [x] done`',
      '> `![](https://evil.example/x.png)`',
      '',
      '## Review Checklist',
    ].join('\n'),
  )
})

test('a message of many lines is cut after fifty', () => {
  const shown = body({ commit_message: Array.from({ length: 60 }, (_, at) => `line ${at}`).join('\n') })
  expect(shown).toContain('> line 49\n>\n> *10 more lines*\n')
  expect(shown).not.toContain('line 50')
})

test('a message of spaces is not shown', () => {
  expect(body({ commit_message: ' \n\t\n ' })).toContain('*No commit message*')
})

test('a rewritten long text shows lines of both, and where the whole is', () => {
  const lines = (word: string) => Array.from({ length: 3000 }, (_, at) => `${word} ${at}`).join('\n')
  const text = body({ config_diff: { modified: { prompt: { old: lines('old'), new: lines('new') } } } })
  expect(text).toContain('-old 0')
  expect(text).toContain('+new 0')
  expect(text).toContain(`*Long values are shortened: see ${LINK} in this pull request.*`)
})

test('a configuration that the webhook left out is said to be elsewhere', () => {
  const config_url = 'https://signalbox.example/api/deployments/1/config'
  expect(body({ config: null, config_url })).toContain(`see [the whole configuration](<${config_url}>)`)
  expect(body({ config: null, config_url: '/api/deployments/1/config' })).toContain('so the file does not have it.*')
  expect(body({ config: {} })).not.toContain('too large')
})
