// What a review writes besides its check: one review of a pull request, one comment on a commit,
// and the end of threads whose finding was mended.
import { isAnchored } from '../../diffs/anchors.ts'
import type { Diff } from '../../diffs/diff.ts'
import type { Found } from '../../findings/finding.ts'
import type { Output } from '../../publisher/output.ts'
import { codeSpan } from '../../untrusted/inert.ts'
import type { Settled } from './earlier.ts'
import type { Settings } from './options.ts'
import type { Said } from './said.ts'
import type { PullSubject, PushSubject } from './subject.ts'
import type { Coverage } from './texts.ts'
import { commentOf, commitBody, reviewBody } from './texts.ts'

const MAX_THREADS = 40

/** One review with all that is new, or none where nothing is. */
export function pullRequestReview(
  { repository, number, head }: PullSubject,
  { fresh, diff }: { fresh: readonly Found[]; diff: Diff },
  coverage: Coverage,
  { maxInline }: Pick<Settings, 'maxInline'>,
): Output[] {
  if (fresh.length === 0) return []
  const placed = fresh.filter((finding) => hasPlace(finding, diff))
  const inline = placed.slice(0, maxInline)
  const rest = fresh.filter((finding) => !inline.includes(finding))
  const comments = inline.map((finding) => {
    const { path, side, line, startLine } = finding
    return { path, side, line: line ?? 1, ...(startLine === undefined ? {} : { startLine }), body: commentOf(finding) }
  })
  const body = reviewBody({ head, inline, rest }, coverage)
  return [{ kind: 'review', repository, pullRequest: number, commit: head, body, comments, key: 'review' }]
}

function hasPlace({ path, side, line, startLine }: Found, { files }: Diff): boolean {
  const file = files.find((each) => each.path === path)
  if (file === undefined || line === null) return false
  return isAnchored(file, { side, line, ...(startLine === undefined ? {} : { startLine }) })
}

/** The comment on the newest commit of a push; the same one when it is reviewed again. */
export function commitComment(
  { repository, head }: PushSubject,
  { base, found }: { base: string; found: readonly Found[] },
  coverage: Coverage,
  { maxInline, pushComment }: Pick<Settings, 'maxInline' | 'pushComment'>,
): Output[] {
  if (found.length === 0 && pushComment === 'findings') return []
  const body = commitBody({ head, base, found }, Math.max(1, maxInline), coverage)
  return [{ kind: 'comment', repository, target: { commit: head }, body, key: 'code-review', sticky: true }]
}

/** Threads of what is mended are answered and resolved, unless somebody has resolved them. */
export function threadsOf(
  { repository, number }: PullSubject,
  { ended }: Settled,
  { threads }: Said,
  head: string,
): Output[] {
  return ended
    .flatMap(({ fingerprint, became }) => {
      const thread = threads.get(fingerprint)
      if (thread === undefined || thread.isResolved) return []
      const commit = codeSpan(head.slice(0, 7))
      const reply =
        became === 'resolved' ? `Resolved by ${commit}.` : `No longer part of this pull request since ${commit}.`
      const key = `ended:${fingerprint}`
      return [
        { kind: 'thread', repository, pullRequest: number, thread: thread.id, reply, resolve: true, key } as const,
      ]
    })
    .slice(0, MAX_THREADS)
}
