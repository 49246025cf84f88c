// Planted defects and clean changes, through the whole service as pull requests, with recorded
// answers of a model: what is found, what is missed, and what is raised falsely.
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commitAll } from '../../src/diffs/fixtures/golden-diff.ts'
import { clean } from '../planted/clean.ts'
import { modelDefects } from '../planted/model-defects.ts'
import type { Change, Planted } from '../planted/planted.ts'
import { recordedAnswers } from '../planted/recorded-answers.ts'
import { ruleDefects } from '../planted/rule-defects.ts'
import type { Stage } from './stage.ts'
import { answerWith, openStage } from './stage.ts'

type Row = { number: number; path: string; line: number | null; side: string; category: string; title: string }

let stage: Stage
let folder: string
const numbers = new Map<string, number>()
let rows: Row[]

beforeAll(async () => {
  stage = await openStage({ hasModel: true })
  const { model, shop, jobs, signalbox } = stage
  model.answers(({ messages }) => {
    const asked = messages.join('')
    const recorded = recordedAnswers.filter(({ sees }) => asked.includes(sees))
    return answerWith(...recorded.flatMap(({ findings }) => findings))
  })
  folder = await mkdtemp(join(tmpdir(), 'signalbox-planted-'))
  await execa('git', ['init', '--quiet'], { cwd: folder })
  const changes: Record<string, Change> = { ...ruleDefects, ...modelDefects, ...clean }
  const commits = await commitAll(folder, changes)
  const refs = Object.values(commits).flatMap(({ base, head }, at) => [
    `${base}:refs/heads/base-${at}`,
    `${head}:refs/heads/head-${at}`,
  ])
  await execa('git', ['push', '--quiet', shop.dir, ...refs], { cwd: folder })
  for (const [at, name] of Object.keys(commits).entries()) {
    const { number } = await shop.openPullRequest({ title: name, head: `head-${at}`, base: `base-${at}` })
    numbers.set(name, number)
  }
  const all = await jobs()
  expect(all.filter(({ status }) => status !== 'completed')).toEqual([])
  const found = await signalbox.database.query<Row>(
    "select pull_request as number, path, line, side, category, title from signalbox.findings where status = 'open'",
  )
  rows = found.rows
}, 300_000)
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

function of(name: string): Row[] {
  return rows.filter(({ number }) => number === numbers.get(name))
}

function isFound([name, { path, line, side, category }]: [string, Planted]): boolean {
  return of(name).some(
    (row) => row.path === path && row.line === line && row.side === (side ?? 'RIGHT') && row.category === category,
  )
}

test('a defect that rules find is found through the whole service too', () => {
  expect(
    Object.entries(ruleDefects)
      .filter((each) => !isFound(each))
      .map(([name]) => name),
  ).toEqual([])
})

test('what the model says counts only where it can be true', () => {
  const missed = Object.entries(modelDefects).filter((each) => !isFound(each))
  expect(missed.map(([name]) => name)).toEqual(['a file that stays open', 'an error that becomes a success'])
  // At no line of the change, it is about the file.
  expect(of('an error that becomes a success')).toMatchObject([{ path: 'worker/run.py', line: null }])
  const raised = Object.keys(clean).filter((name) => of(name).length > 0)
  expect(raised).toEqual(['a password that is asked for'])
  expect(rows.filter(({ title }) => /nice|looks good/i.test(title))).toEqual([])
})

test('the counts are those of docs/agents/code-review.md', () => {
  const count = (defects: Record<string, Planted>) => {
    const all = Object.entries(defects)
    const found = all.filter(isFound).length
    return `${all.length} | ${found} | ${all.length - found}`
  }
  const raised = Object.keys(clean).filter((name) => of(name).length > 0).length
  const lines = [
    `| defects that rules can find | ${count(ruleDefects)} | – |`,
    `| defects that only a model can find | ${count(modelDefects)} | – |`,
    `| clean changes | ${Object.keys(clean).length} | – | – | ${raised} |`,
  ]
  const docs = readFileSync(new URL('../../docs/agents/code-review.md', import.meta.url), 'utf8')
  for (const line of lines) expect(docs).toContain(line)
})
