// A review of a pull request: found by its marker, written once with all its comments.
import { z } from 'zod'
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import type { LineComment } from '../forges/reviews.ts'
import { cut } from '../lib/cut.ts'
import { AppError, GiveUp } from '../lib/error.ts'
import { withMarker } from '../lib/marker.ts'
import { codeSpan } from '../untrusted/inert.ts'
import type { Placed } from './comment-places.ts'
import { place, placeAgain } from './comment-places.ts'
import type { Receipt } from './output.ts'
import { body, common, key, number, sha } from './output-fields.ts'
import { findOwn, jobKey } from './own.ts'
import type { Author } from './publish.ts'
import { canSuggest, withoutSuggestions } from './suggestions.ts'

const side = z.enum(['LEFT', 'RIGHT'])

const lineComment = z.strictObject({
  path: z.string().min(1).max(1024),
  /** Of the new version of the file (`RIGHT`, the default), or of the old one (`LEFT`). */
  line: number,
  side: side.optional(),
  /** Where a comment on several lines starts. */
  startLine: number.optional(),
  startSide: side.optional(),
  body: body.min(1),
})

/** A review of a pull request. */
export const reviewOutput = z.strictObject({
  kind: z.literal('review'),
  ...common,
  pullRequest: number,
  /** What was reviewed. */
  commit: sha,
  /** Default `COMMENT`. */
  event: z.enum(['COMMENT', 'APPROVE', 'REQUEST_CHANGES']).optional(),
  body,
  comments: z.array(lineComment).max(100).readonly().optional(),
  key,
})

/** What an agent says of a review. */
export type ReviewOutput = z.infer<typeof reviewOutput>

/**
 * Writes the review unless one with this job's marker is there. GitHub refuses all of a review for
 * one line that is not in the diff, so comments that have no place there stand in the body. A
 * review of a commit that was pushed away is about the newest, its comments where their lines are.
 * @throws GiveUp when a review that is more than a comment is not of the newest commit.
 */
export async function publishReview(forge: WriteForge, output: ReviewOutput, job: Author): Promise<Receipt> {
  const { repository, pullRequest, event = 'COMMENT' } = output
  const marked = jobKey(job, output.key)
  const [earlier] = await findOwn(forge, repository, await forge.reviews(repository, pullRequest), marked)
  if (earlier !== undefined) return { url: earlier.url, number: pullRequest, sha: output.commit, created: false }
  // Twice, because the branch may be pushed to between looking and writing.
  for (let tries = 0; tries < 2; tries++) {
    const pull = await forge.pullRequest(repository, pullRequest)
    if (event !== 'COMMENT' && pull.headSha !== output.commit) throw outdated(output)
    const { commit, inline, others } = await placeComments(forge, output, pull)
    const write = (some: readonly LineComment[], rest: readonly LineComment[]) => {
      const note = commit === output.commit ? '' : `\n\n${movedOn(output.commit)}`
      const text = withMarker(withComments(output.body + note, rest), { keys: [marked] }, forge.maxBodyChars)
      return forge.createReview(repository, pullRequest, { commit, event, body: text, comments: some.map(shown) })
    }
    // Whatever the forge has against a line, the review is not lost for it.
    const written =
      (await write(inline, others)) ?? (inline.length > 0 ? await write([], [...inline, ...others]) : null)
    if (written !== null) return { url: written.url, number: pullRequest, sha: commit, created: true }
  }
  throw outdated(output)
}

/** At the commit that was reviewed while the pull request has it, else at its newest one. */
async function placeComments(
  forge: WriteForge,
  output: ReviewOutput,
  { baseSha, headSha }: PullRequest,
): Promise<Placed & { commit: string }> {
  const { repository, commit } = output
  const comments = (output.comments ?? []).flatMap((comment) => toLineComment(comment, forge.maxBodyChars) ?? [])
  const diff = (head: string) => (comments.length === 0 ? [] : forge.diff(repository, baseSha, head))
  const isThere =
    commit === headSha || (await forge.commitsBetween(repository, baseSha, headSha)).some(({ sha }) => sha === commit)
  if (isThere) return { commit, ...place(comments, await diff(commit)) }
  // A forge may have forgotten what was pushed away.
  const before = await Promise.resolve(diff(commit)).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'forge_failed') return []
    throw error
  })
  return { commit: headSha, ...placeAgain(comments, before, await diff(headSha)) }
}

function outdated({ commit, pullRequest }: ReviewOutput): GiveUp {
  return new GiveUp(`The pull request ${pullRequest} has moved on from the commit ${commit} that was reviewed.`)
}

function movedOn(commit: string): string {
  return `This is a review of ${codeSpan(commit.slice(0, 7))}, which the pull request has no more.`
}

/** Null for one that says nothing, which GitHub would refuse. */
function toLineComment(
  { side = 'RIGHT', startLine, startSide, ...comment }: z.infer<typeof lineComment>,
  maxBodyChars: number,
): LineComment | null {
  if (comment.body.trim() === '') return null
  // A range of one line is that line.
  const isRange = startLine !== undefined && (startLine !== comment.line || (startSide ?? side) !== side)
  const text = cut(comment.body, maxBodyChars)
  return { ...comment, body: text, side, ...(isRange ? { startLine, startSide: startSide ?? side } : {}) }
}

function shown(comment: LineComment): LineComment {
  return canSuggest(comment) ? comment : { ...comment, body: withoutSuggestions(comment.body) }
}

function withComments(text: string, comments: readonly LineComment[]): string {
  const parts = comments.map((comment) => `${codeSpan(`${comment.path}:${linesOf(comment)}`)}\n\n${comment.body}`)
  const all = comments.length === 0 ? [text] : [text, '#### About lines outside the diff', ...parts]
  return all.map(withoutSuggestions).join('\n\n').trimStart()
}

function linesOf({ line, startLine }: LineComment): string {
  return startLine === undefined ? `${line}` : `${startLine}-${line}`
}
