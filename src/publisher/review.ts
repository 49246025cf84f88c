// A review of a pull request: found by its marker, written once with all its comments.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import type { ChangedFile, LineComment } from '../forges/reviews.ts'
import { GiveUp } from '../lib/error.ts'
import { withMarker } from '../lib/marker.ts'
import { codeSpan } from '../untrusted/inert.ts'
import { isAnchored } from './hunks.ts'
import type { Receipt } from './output.ts'
import { body, common, key, number, sha } from './output-fields.ts'
import { findOwn, jobKey } from './own.ts'
import type { Author } from './publish.ts'

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
 * one line that is not in the diff, so comments that have no place there stand in the body.
 * @throws GiveUp when the commit is no longer one of the pull request, or, unless the review is
 * only a comment, not its newest.
 */
export async function publishReview(forge: WriteForge, output: ReviewOutput, job: Author): Promise<Receipt> {
  const { repository, pullRequest, commit, event = 'COMMENT' } = output
  const marked = jobKey(job, output.key)
  const [earlier] = await findOwn(forge, repository, await forge.reviews(repository, pullRequest), marked)
  if (earlier !== undefined) return { url: earlier.url, number: pullRequest, sha: commit, created: false }
  const pull = await forge.pullRequest(repository, pullRequest)
  if (event !== 'COMMENT' && pull.headSha !== commit) throw outdated(output)
  const comments = (output.comments ?? []).map(toLineComment)
  const files = comments.length === 0 ? [] : await forge.diff(repository, pull.baseSha, commit)
  const placed = comments.filter((comment) => hasPlace(files, comment))
  const write = (inline: readonly LineComment[]) => {
    const text = withComments(
      output.body,
      comments.filter((comment) => !inline.includes(comment)),
    )
    const whole = withMarker(text, { keys: [marked] }, forge.maxBodyChars)
    return forge.createReview(repository, pullRequest, { commit, event, body: whole, comments: inline })
  }
  // Whatever the forge has against a line, the review is not lost for it.
  const written = (await write(placed)) ?? (placed.length > 0 ? await write([]) : null)
  if (written === null) throw outdated(output)
  return { url: written.url, number: pullRequest, sha: commit, created: true }
}

function outdated({ commit, pullRequest }: ReviewOutput): GiveUp {
  return new GiveUp(`The pull request ${pullRequest} has moved on from the commit ${commit} that was reviewed.`)
}

function toLineComment({ side = 'RIGHT', startLine, startSide, ...comment }: z.infer<typeof lineComment>): LineComment {
  // A range of one line is that line.
  const isRange = startLine !== undefined && (startLine !== comment.line || (startSide ?? side) !== side)
  return { ...comment, side, ...(isRange ? { startLine, startSide: startSide ?? side } : {}) }
}

function hasPlace(files: readonly ChangedFile[], comment: LineComment): boolean {
  const patch = files.find(({ path }) => path === comment.path)?.patch
  return patch != null && isAnchored(patch, comment)
}

function withComments(text: string, comments: readonly LineComment[]): string {
  if (comments.length === 0) return text
  const parts = comments.map((comment) => `${codeSpan(`${comment.path}:${linesOf(comment)}`)}\n\n${comment.body}`)
  return [text, '#### About lines outside the diff', ...parts].join('\n\n').trimStart()
}

function linesOf({ line, startLine }: LineComment): string {
  return startLine === undefined ? `${line}` : `${startLine}-${line}`
}
