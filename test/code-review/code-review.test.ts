// The review agent on a whole service, with the default rules: what it writes on GitHub and keeps.
import { afterEach, expect, test } from 'vitest'
import type { Stage, StageOptions } from './stage.ts'
import { answerWith, openStage, sum } from './stage.ts'

let stage: Stage
afterEach(() => stage?.close())

async function open(options?: StageOptions): Promise<Stage> {
  stage = await openStage(options)
  return stage
}

test('without a model a pull request is reviewed by rules: one review on its lines, and a settled check', async () => {
  const { propose, jobs, reviews, comments, checks } = await open()
  const { number, sha } = await propose({ 'src/a.ts': 'debugger\nexport const a = 1\n' })
  const [job] = await jobs()
  expect(job).toMatchObject({
    rule: 'review-pull-request',
    type: 'github_pull_request',
    status: 'completed',
    error: null,
  })
  expect(await reviews(number)).toMatchObject([{ commit_id: sha, user: { login: 'signalbox[bot]' } }])
  expect(await comments(number)).toMatchObject([
    { path: 'src/a.ts', line: 1, side: 'RIGHT', body: expect.stringContaining('is left from debugging') },
  ])
  expect(await checks(sha)).toMatchObject([
    { name: 'signalbox/code-review', status: 'completed', conclusion: 'neutral', output: { title: '1 finding' } },
  ])
}, 60_000)

test('a push to the default branch gets a comment on its commit, and other branches get none', async () => {
  const { shop, jobs, checks } = await open()
  const clean = await shop.commit({ message: 'Clean', files: { 'src/sum.ts': sum('return b + a') } })
  const dirty = await shop.commit({ message: 'Dirty', files: { 'src/b.ts': 'debugger\n' } })
  const other = await shop.commit({ message: 'Other', branch: 'other', files: { 'src/c.ts': 'debugger\n' } })
  expect(await jobs()).toMatchObject([
    { rule: 'review-push', type: 'github_push', status: 'completed', error: null },
    { rule: 'review-push', type: 'github_push', status: 'completed', error: null },
  ])
  expect(await shop.commitComments(clean)).toMatchObject([{ body: expect.stringContaining('nothing found') }])
  expect(await shop.commitComments(dirty)).toMatchObject([{ body: expect.stringMatching(/1 finding.*src\/b\.ts:1/s) }])
  expect(await shop.commitComments(other)).toEqual([])
  expect((await checks(clean)).map(({ conclusion }) => conclusion)).toEqual(['success'])
}, 60_000)

test('with a model its findings are validated, ranked and said once', async () => {
  const { propose, jobs, comments, model, checks, reviews } = await open({ hasModel: true })
  model.answers(
    answerWith(
      { path: 'src/sum.ts', line: 2, severity: 'high', title: 'It subtracts', suggestion: '  return a + b' },
      { path: 'src/sum.ts', line: 99, title: 'Far away' },
      { path: 'src/other.ts', line: 1, title: 'Of another file' },
      { path: 'src/sum.ts', line: 2, title: 'Nice work' },
      { path: 'src/sum.ts', line: 1, title: 'Unsure', confidence: 0.2 },
    ),
  )
  const { number, sha } = await propose({ 'src/sum.ts': sum('return a - b') })
  const [job] = await jobs()
  expect(job).toMatchObject({ status: 'completed', error: null })
  const said = await comments(number)
  expect(said).toMatchObject([{ path: 'src/sum.ts', line: 2 }])
  expect(said[0]?.body).toContain('```suggestion\n  return a + b\n```')
  const [review] = await reviews(number)
  expect(review?.body).toContain('Far away')
  expect(review?.body).not.toContain('another file')
  expect(review?.body).not.toContain('Nice work')
  expect(review?.body).not.toContain('Unsure')
  expect(await checks(sha)).toMatchObject([
    { conclusion: 'neutral', output: { summary: expect.stringContaining('12 tokens in, 5 out') } },
  ])
}, 60_000)
