// The deterministic reviewers, measured: what they find of planted defects, what they miss, and
// what they raise falsely.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Head } from '../../src/agents/code-review/reviewers/reviewer.ts'
import { reviewWithoutModel } from '../../src/agents/code-review/reviewers/reviewers.ts'
import { diffOf } from '../../src/diffs/diff-of.ts'
import type { Entry } from '../../src/diffs/fixtures/golden-diff.ts'
import { commitAll } from '../../src/diffs/fixtures/golden-diff.ts'
import type { Finding } from '../../src/findings/finding.ts'
import { reviewSchema } from '../../src/findings/finding.ts'
import { fingerprinted } from '../../src/findings/fingerprint.ts'
import { clean } from './clean.ts'
import { modelDefects } from './model-defects.ts'
import type { Change, Planted } from './planted.ts'
import { ruleDefects } from './rule-defects.ts'

const planted: Record<string, Planted> = { ...ruleDefects, ...modelDefects }
const found = new Map<string, Finding[]>()

function headOf(files: Record<string, Entry>): Head {
  return {
    async read(path) {
      const entry = files[path]
      if (typeof entry === 'object') return 'executable' in entry ? entry.executable : null
      return entry ?? null
    },
    async size(path) {
      const entry = files[path]
      return typeof entry === 'object' && 'bytes' in entry ? entry.bytes.length : null
    },
  }
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-planted-'))
  await execa('git', ['init', '--quiet'], { cwd: folder })
  const changes: Record<string, Change> = { ...planted, ...clean }
  const commits = await commitAll(folder, changes)
  for (const [name, { after }] of Object.entries(changes)) {
    const { base = '', head = '' } = commits[name] ?? {}
    const diff = await diffOf(folder, base, head)
    const findings = await reviewWithoutModel(diff, headOf(after))
    found.set(name, findings)
    // Each can be stored as it is.
    reviewSchema.parse({
      scope: { repository: 'o/r', pullRequest: 1 },
      sha: head,
      found: fingerprinted(findings, diff),
    })
  }
})
afterAll(() => rm(folder, { recursive: true }))

function isIt({ path, line, side, category }: Planted) {
  return (finding: Finding) =>
    finding.category === category &&
    finding.path === path &&
    finding.line === line &&
    finding.side === (side ?? 'RIGHT')
}

/** What is said beside the planted defect: of its other lines, or for people to know. */
function others(name: string, defect: Planted): string[] {
  return (found.get(name) ?? []).filter((finding) => !isIt(defect)(finding)).map(({ category }) => category)
}

test('there are at least 25 planted defects and 25 clean changes', () => {
  expect(Object.keys(planted).length).toBeGreaterThanOrEqual(25)
  expect(Object.keys(clean).length).toBeGreaterThanOrEqual(25)
})

describe('a planted defect that rules can find', () => {
  test.each(Object.entries(ruleDefects))('%s: is found at its line', (name, defect) => {
    expect(found.get(name)?.filter(isIt(defect)), JSON.stringify(found.get(name), null, 1)).toHaveLength(1)
  })

  test('is all that is said, but for what goes with it', () => {
    const more = Object.entries(ruleDefects).map(([name, defect]) => [name, others(name, defect)] as const)
    expect(Object.fromEntries(more.filter(([, categories]) => categories.length > 0))).toEqual({
      // A prompt that loses its variable is another prompt, and each of these is a change of CI.
      'a prompt without its variable': ['prompt-changed'],
      'a workflow that runs untrusted code': ['ci-change'],
      'a title in a script': ['ci-change'],
      'an action of a branch that moves': ['ci-change'],
    })
  })

  test('has a finding that says what to do, and never the secret', () => {
    const all = [...found.values()].flat()
    const secrets = Object.values(ruleDefects).flatMap(({ category, after, path, line }) => {
      const text = after[path]
      if (category !== 'secret' || typeof text !== 'string') return []
      return text.split('\n')[(line ?? 1) - 1]?.match(/[\w!#/+-]{12,}/g) ?? []
    })
    const words = new Set(['access_token', 'sessionSecret', 'connectionString', 'shop_password'])
    for (const { title, body } of all) {
      expect(title.length).toBeLessThanOrEqual(300)
      expect(body).toMatch(/[.]$/)
      for (const secret of secrets.filter((each) => !words.has(each))) expect(title + body).not.toContain(secret)
    }
  })
})

test.each(Object.keys(clean))('%s: nothing is raised', (name) => {
  expect(found.get(name)).toEqual([])
})

test('the counts are those of docs/findings.md', () => {
  const defects = Object.entries(planted)
  const isFound = ([name, defect]: [string, Planted]) => found.get(name)?.some(isIt(defect)) === true
  const of = (finder: Planted['finder']) => defects.filter(([, defect]) => defect.finder === finder)
  const count = (finder: Planted['finder']) => `${of(finder).filter(isFound).length} of ${of(finder).length}`
  const raised = Object.keys(clean).filter((name) => found.get(name)?.length !== 0).length
  const rows = [
    `| defects that rules can find | ${count('rules')} found |`,
    `| defects that only a model can find | ${count('model')} found |`,
    `| clean changes | ${raised} of ${Object.keys(clean).length} with something raised falsely |`,
  ]
  const docs = readFileSync(new URL('../../docs/findings.md', import.meta.url), 'utf8')
  for (const row of rows) expect(docs).toContain(row)
})
