// What holds for all reviewers, whatever the change is.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { reviewSchema } from '../../../findings/finding.ts'
import { fingerprinted } from '../../../findings/fingerprint.ts'
import { isMadeSecret, isPlaceholder } from './made-value.ts'
import { reviewWithoutModel } from './reviewers.ts'

const PATHS = [
  'a.ts',
  'test/a.test.ts',
  'b.py',
  '.env',
  'deployments/bot.json',
  '.github/workflows/ci.yml',
  'node_modules/a/b.js',
  'link',
  'docs/a.md',
]
const TEXTS = [
  'debugger',
  'it.only(1)',
  '<<<<<<< a',
  '>>>>>>> b',
  '{',
  '}',
  '"temperature": 3,',
  '"tools": [{"name": "x"}]',
  '  run: |',
  '    echo $' + '{{ github.event.issue.title }}',
  'on: pull_request_target',
  '- uses: a/b@main',
  '/etc/passwd',
  'password = "vR7!qLz2Wm9#xT4"',
  '-----BEGIN PRIVATE ' + 'KEY-----',
]

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string({ unit: 'grapheme' }))
const file: fc.Arbitrary<DiffFile> = fc
  .record({
    path: fc.oneof(fc.constantFrom(...PATHS), fc.string({ minLength: 1 })),
    status: fc.constantFrom('added' as const, 'modified' as const, 'deleted' as const, 'renamed' as const),
    newMode: fc.constantFrom('100644', '100755', '120000', '160000'),
    texts: fc.array(fc.record({ text, side: fc.constantFrom('left', 'right', 'both') })),
    isBinary: fc.boolean(),
  })
  .map(({ texts, ...rest }) => {
    let [left, right] = [0, 0]
    const lines = texts.map(({ text: line, side }) => ({
      left: side === 'right' ? null : ++left,
      right: side === 'left' ? null : ++right,
      text: line,
      endsWithNewline: true,
    }))
    const hunk = { oldStart: 1, oldLines: left, newStart: 1, newLines: right, section: '', lines }
    const isSubmodule = rest.newMode === '160000'
    return { ...rest, oldPath: null, oldMode: '100644', oldBlob: 'a', newBlob: 'b', isSubmodule, hunks: [hunk] }
  })

it('every finding is one that can be stored, at a line that the change has on that side', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 4 }), fc.option(fc.string(), { nil: null }), async (files, read) => {
      const diff: Diff = { base: 'a'.repeat(40), head: 'b'.repeat(40), files, omitted: [] }
      const findings = await reviewWithoutModel(diff, { read: async () => read })
      const scope = { repository: 'o/r', pullRequest: 1 }
      reviewSchema.parse({ scope, sha: diff.head, found: fingerprinted(findings, diff) })
      for (const { path, line, side } of findings) {
        const lines = files
          .filter((each) => each.path === path)
          .flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines))
        const numbers = lines.map(({ left, right }) => (side === 'LEFT' ? left : right))
        if (line !== null) expect(numbers).toContain(line)
      }
    }),
    { numRuns: 300 },
  )
})

it.each([
  ['k8Tq2vLx9wRzB3nM', true],
  ['vR7!qLz2Wm9#xT4', true],
  ['5f2b8c1e9d4a7063b1e2f8c4d9a05b7e', true],
  ['correct-horse-battery-staple', false],
  ['shop-staging-db-password-2024', false],
  ['my_secret_name_v2', false],
  ['process.env.DB_PASSWORD', false],
  ['DB_PASSWORD_2', false],
  ['$' + '{DB_PASSWORD_9aZ}', false],
  ['https://login.acme.com/oauth2/v2/token', false],
  ['./certs/server9aZ.pem', false],
  ['$2b$10$abcdefghijklmnopqrstuv', false],
  ['hunter2', false],
  ['Passw0rd-example', false],
])('%s is made by a machine or with care: %s', (value, isMade) => {
  expect(isMadeSecret(value)).toBe(isMade)
})

it('what stands for a secret is none', () => {
  for (const value of ['xxxxxxxxxxxxxxxxxxxx', 'your-api-key-here', 'AKIAIOSFODNN7EXAMPLE', 'aaaaaaaabbbbbbbb']) {
    expect([value, isPlaceholder(value)]).toEqual([value, true])
  }
})

async function reviewMs(count: number): Promise<number> {
  const texts = ['apiVersion: settings/v1beta1', 'const total = items.length * 3', '}']
  const lines = Array.from({ length: count }, (_, at) => ({
    left: null,
    right: at + 1,
    text: texts[at % texts.length] ?? '',
    endsWithNewline: true,
  }))
  const hunks = [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: count, section: '', lines }]
  const blobs = { oldPath: null, oldMode: null, newMode: '100644', oldBlob: null, newBlob: 'b' }
  const rest = { ...blobs, isBinary: false, isSubmodule: false, hunks }
  const files: DiffFile[] = PATHS.map((path) => ({ path, status: 'added', ...rest }))
  // Processor time: by the clock a busy machine takes long for what costs little.
  const before = process.threadCpuUsage()
  await reviewWithoutModel({ base: '', head: '', files, omitted: [] })
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

it('a change of four times the lines takes four times as long, and not sixteen', async () => {
  await reviewMs(1_000)
  const shortMs = await reviewMs(3_000)
  expect(await reviewMs(12_000)).toBeLessThan(10 * shortMs + 1_000)
})
