// No review is ever refused: whatever a pull request changes, wherever its comments are to stand,
// and whether its branch was pushed to since.
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { diffFiles } from '../../fake-github/src/git-diff.ts'
import { patchLines } from '../../fake-github/src/patch.ts'
import { cases } from '../../test/fuzz.ts'
import type { Entry } from '../diffs/fixtures/golden-diff.ts'
import { commitAll } from '../diffs/fixtures/golden-diff.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'
import type { ReviewOutput } from './review.ts'

const stage = await openKindsStage()
afterAll(() => stage.close())
const repo = await stage.makeRepository()
const inRepo = { owner: repo.owner, repo: repo.name }

const path = fc.constantFrom('a.txt', 'src/b.txt', 'ü "q" \\\n+.txt', 'c')
const text = fc
  .array(fc.constantFrom('one', 'two', '}', '', '-- a', '@@ -1 +1 @@', '\r', '<<<<<<< x'), {
    maxLength: 40,
    size: '+1',
  })
  .chain((lines) =>
    fc.constantFrom('', '\n').map((end) => lines.map((line, at) => `${line}${at % 4}`).join('\n') + end),
  )
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 8, arbitrary: text },
  { weight: 1, arbitrary: text.map((executable) => ({ executable })) },
  { weight: 1, arbitrary: fc.constantFrom('a', 'b').map((symlink) => ({ symlink })) },
  { weight: 1, arbitrary: fc.constantFrom('1', '2').map((digit) => ({ submodule: digit.repeat(40) })) },
  { weight: 1, arbitrary: fc.constantFrom(1, 2).map((last) => ({ bytes: Uint8Array.from([0, 255, last]) })) },
)
const files = fc.dictionary(path, entry, { minKeys: 1, maxKeys: 3 })

/** A file is deleted, moved, or has lines taken out and put in. */
const edits = fc.array(
  fc.record({
    from: path,
    to: fc.option(path, { nil: null, freq: 5 }),
    at: fc.oneof(fc.nat(8), fc.nat(40)),
    taken: fc.nat(3),
    put: fc.array(fc.constantFrom('new', 'one1', ''), { maxLength: 3 }),
    entry: fc.option(entry, { nil: null, freq: 1 }),
  }),
  { minLength: 1, maxLength: 4 },
)
type Edits = typeof edits extends fc.Arbitrary<infer T> ? T : never

function edited(before: Record<string, Entry>, all: Edits): Record<string, Entry> {
  const now = new Map(Object.entries(before))
  for (const { from, to, at, taken, put, entry: other } of all) {
    const old = now.get(from) ?? other
    if (to === null || to !== from) now.delete(from)
    if (to === null || old === null) continue
    now.set(
      to,
      typeof old === 'string'
        ? old
            .split('\n')
            .toSpliced(at, taken, ...put)
            .join('\n')
        : old,
    )
  }
  return Object.fromEntries(now)
}

const line = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 44 }))
const side = fc.constantFrom('LEFT', 'RIGHT')
const place = fc.record(
  { path, line, side, startLine: line, startSide: side },
  { requiredKeys: ['path', 'line'] },
) as fc.Arbitrary<Place>
type Place = { path: string; line: number; side?: 'LEFT' | 'RIGHT'; startLine?: number; startSide?: 'LEFT' | 'RIGHT' }

const places = fc.array(place, { minLength: 5, maxLength: 25 })

let count = 0

/** A pull request of two commits of its own, whose head can be replaced by another. */
async function openPull(before: Record<string, Entry>, first: Edits, second: Edits) {
  const prefix = `case-${++count}-`
  const reviewed = edited(before, first)
  const rewritten = edited(reviewed, second)
  const made = await commitAll(repo.dir, { a: { before, after: reviewed }, b: { before, after: rewritten } }, prefix)
  const { number } = await repo.openPullRequest({ title: 'p', head: `${prefix}head-0`, base: `${prefix}base-0` })
  const { base = '', head = '' } = made.a ?? {}
  const ref = `heads/${prefix}head-0`
  return {
    number,
    base,
    head,
    replaceHead: () => stage.owner.git.updateRef({ ...inRepo, ref, sha: made.b?.head ?? '', force: true }),
  }
}

/** Publishes a review with a comment at each place, of which each has its number in its text. */
async function review(pullRequest: number, commit: string, places: readonly Place[]) {
  const suggestion = '\n```suggestion\nx\n```'
  const comments = places.map((one, at) => ({ ...one, body: `comment ${at}.${suggestion}` }))
  const output: ReviewOutput = { kind: 'review', repository: repo.fullName, pullRequest, commit, body: 'All', key: 'k' }
  const asked = stage.fake.requests.length
  await stage.send({ ...output, comments }, { id: `job-${pullRequest}` })
  const posts = stage.fake.requests
    .slice(asked)
    .filter(({ method, path: at }) => method === 'POST' && /reviews$/.test(at))
  const at = { ...inRepo, pull_number: pullRequest, per_page: 100 }
  const [written] = (await stage.owner.pulls.listReviews(at)).data
  const inline = (await stage.owner.pulls.listReviewComments(at)).data
  return { statuses: posts.map(({ status }) => status), body: written?.body ?? '', inline }
}

/** Whether GitHub's own rules accept a comment there. */
function isAccepted(theirs: Awaited<ReturnType<typeof diffFiles>>, asked: Place): boolean {
  const { side: endSide = 'RIGHT', startSide = endSide, startLine } = asked
  const file = theirs.find((one) => one.path === asked.path) ?? theirs.find((one) => one.previousPath === asked.path)
  const all = patchLines(file?.patch ?? '').filter(({ position }) => position > 0)
  const find = (number: number, on: string) => all.find(({ left, right }) => (on === 'LEFT' ? left : right) === number)
  const end = find(asked.line, endSide)
  if (startLine === undefined || (startLine === asked.line && startSide === endSide)) return end !== undefined
  const start = find(startLine, startSide)
  if (!start || !end) return false
  return start.hunk.split('\n')[0] === end.hunk.split('\n')[0] && start.position < end.position
}

test('a review of any change is accepted, and each comment that can be is at its line', async () => {
  await fc.assert(
    fc.asyncProperty(files, edits, places, async (before, first, asked) => {
      const { number, base, head } = await openPull(before, first, [])
      const { statuses, body, inline } = await review(number, head, asked)
      expect(statuses).toEqual([200])
      const theirs = await diffFiles(repo.dir, base, head)
      const accepted = asked.flatMap((one, at) => (isAccepted(theirs, one) ? [at] : []))
      expect(inline.map(numberIn)).toEqual(accepted)
      const others = asked.map((_, at) => at).filter((at) => !accepted.includes(at))
      expect([...body.matchAll(/comment (\d+)\./g)].map((match) => Number(match[1]))).toEqual(others)
      expect(body).not.toContain('suggestion')
      for (const comment of inline) {
        const isNew = comment.side === 'RIGHT' && (comment.start_side ?? 'RIGHT') === 'RIGHT'
        expect(comment.body.includes('suggestion')).toBe(isNew)
      }
    }),
    { numRuns: cases(20), endOnFailure: true },
  )
})

test('a review of a commit that was pushed away is accepted, and no comment of it is lost', async () => {
  await fc.assert(
    fc.asyncProperty(files, edits, edits, places, async (before, first, second, asked) => {
      const { number, head, replaceHead } = await openPull(before, first, second)
      await replaceHead()
      const { statuses, body, inline } = await review(number, head, asked)
      expect(statuses).toEqual([200])
      const shown = [...body.matchAll(/comment (\d+)\./g)].map((match) => Number(match[1]))
      expect([...shown, ...inline.map(numberIn)].toSorted((one, other) => one - other)).toEqual(
        asked.map((_, at) => at),
      )
    }),
    { numRuns: cases(20), endOnFailure: true },
  )
})

function numberIn({ body }: { body: string }): number {
  return Number(/comment (\d+)/.exec(body)?.[1])
}
