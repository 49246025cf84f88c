// Changes that somebody made to keep reviewers busy, to end them, or to pass them: a review ends
// soon, and sees what was moved or hidden.
import { expect, test } from 'vitest'
import type { DiffFile } from '../../../diffs/diff.ts'
import { parseDiff } from '../../../diffs/parse-diff.ts'
import { fingerprinted } from '../../../findings/fingerprint.ts'
import type { Head } from './reviewer.ts'
import { reviewWithoutModel } from './reviewers.ts'

const MANY = 20_000
// Each took more than that by far, or threw.
const MAX_MS = 10_000

function changed(path: string, added: readonly string[], removed: readonly string[] = []): DiffFile {
  const lines = [
    ...removed.map((text, at) => ({ left: at + 1, right: null, text, endsWithNewline: true })),
    ...added.map((text, at) => ({ left: null, right: at + 1, text, endsWithNewline: true })),
  ]
  const counts = { oldStart: 1, oldLines: removed.length, newStart: 1, newLines: added.length }
  return {
    path,
    oldPath: null,
    status: removed.length === 0 ? 'added' : 'modified',
    oldMode: '100644',
    newMode: '100644',
    oldBlob: 'a',
    newBlob: 'b',
    isBinary: false,
    isSubmodule: false,
    hunks: [{ ...counts, section: '', lines }],
  }
}

async function review(file: DiffFile, head: Head = {}) {
  const diff = { base: '1'.repeat(40), head: '2'.repeat(40), files: [file], omitted: [] }
  return fingerprinted(await reviewWithoutModel(diff, head), diff)
}

function prompt(text: string): string {
  return JSON.stringify({ prompt: text })
}

function prompts(word: string): string {
  const words = Array.from({ length: 8_000 }, (_, at) => `${word}${at}`).join(' ')
  return JSON.stringify(Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`p${at}`, { prompt: words }])))
}

const VARIABLES = Array.from({ length: MANY }, (_, at) => `{{v${at}}}`).join(' ')

const NESTED = `${'['.repeat(MANY)}${']'.repeat(MANY)}`
const WORKFLOW = '.github/workflows/a.yml'
const CONFIG = 'deployments/shop/production.json'
const members = Array.from({ length: MANY }, (_, at) => `"k${at}": 1,`)

test.each<[string, DiffFile, number, string?]>([
  ['beginnings of private keys', changed('a.txt', Array(MANY).fill('-----BEGIN PRIVATE ' + 'KEY-----')), 0],
  ['triggers of a workflow', changed(WORKFLOW, Array(MANY).fill('  pull_request_target: x')), 500],
  ['expressions outside a script', changed(WORKFLOW, Array(MANY).fill(`  ${'${{'} github.head_ref }}`)), 1],
  [
    'actions',
    changed(
      WORKFLOW,
      Array.from({ length: MANY }, (_, at) => `- uses: evil/x${at}@main`),
    ),
    500,
  ],
  ['parameters', changed(CONFIG, ['{', ...members, '"z": 1', '}']), 0],
  ['mistakes under one name', changed(CONFIG, ['[', ...Array(MANY).fill('{"top_p": 9},'), '1', ']']), 500],
  ['brackets', changed(CONFIG, [NESTED]), 0],
  ['brackets that were not there', changed(CONFIG, [NESTED], ['{}']), 0, NESTED],
  ['words of prompts', changed(CONFIG, [prompts('x')], [prompts('y')]), 10, prompts('x')],
  ['variables', changed(CONFIG, [prompt(VARIABLES)], [prompt(VARIABLES.replaceAll('v', 'w'))]), 500, prompt(VARIABLES)],
  ['lines that are gone', changed(CONFIG, ['{}'], Array(190_000).fill('')), 0, '{}'],
])('many %s are reviewed soon, and the most severe findings are kept', async (_, file, count, text) => {
  const begin = performance.now()
  const found = await review(file, text === undefined ? {} : { read: async () => text })
  expect(performance.now() - begin).toBeLessThan(MAX_MS)
  expect(found).toHaveLength(count)
})

test('a file may have any number of hunks', () => {
  const hunks = Array.from({ length: 200_000 }, (_, at) => `@@ -${at * 7 + 1} +${at * 7 + 1} @@\n-a\n+b`)
  const blobs = `${'a'.repeat(40)} ${'b'.repeat(40)}`
  const printed = [`:100644 100644 ${blobs} M\tx`, 'diff --git a/x b/x', '--- a/x', '+++ b/x', ...hunks].join('\n')
  expect(parseDiff(printed).files[0]?.hunks).toHaveLength(200_000)
})

const KEY = `key = "vR7!qLz2Wm9#xT4${'b'.repeat(4)}8Q"`

test.each([
  ['of what CI runs', 'docs/a.yml', '.github/workflows/a.yml', 'on: pull_request_target\n', 'ci-risk'],
  ['of a test with a secret', 'test/a.ts', 'src/a.ts', `api_${KEY}\n`, 'secret'],
  ['of a configuration', 'drafts/a.json', CONFIG, '{"temperature": 9}', 'parameter-range'],
])('a move %s to where it counts shows what the file says', async (_, oldPath, path, text, category) => {
  const moved: DiffFile = { ...changed(path, []), oldPath, status: 'renamed', hunks: [] }
  const found = await review(moved, { read: async () => text })
  expect(found.map((each) => each.category)).toContain(category)
})

test('a workflow for outsiders that begins to check out their code is a risk', async () => {
  const line = `          ref: ${'${{'} github.event.pull_request.head.sha }}`
  const found = await review(changed(WORKFLOW, [line], ['x']), {
    read: async () => `"on": pull_request_target\n${line}`,
  })
  expect(found).toMatchObject([{ category: 'ci-change' }, { category: 'ci-risk', severity: 'high', line: 1 }])
})

test.each(['src/app.mjs', '.env', '.github/workflows/a.yml'])('%s that git takes for binary is named', async (path) => {
  const found = await review({ ...changed(path, []), isBinary: true, hunks: [] })
  expect(found).toContainEqual(expect.objectContaining({ category: 'hidden-text', path }))
})
