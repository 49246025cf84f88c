// A comment: looked for by its marker before it is written.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import type { CommentTarget } from '../forges/target.ts'
import { numberOf } from '../forges/target.ts'
import { withMarker } from '../lib/marker.ts'
import type { Receipt } from './output.ts'
import { body, commentTarget, common, key } from './output-fields.ts'
import { findOwn, isNewer, jobKey } from './own.ts'
import type { Author } from './publish.ts'

/** A comment on an issue, pull request or commit. */
export const commentOutput = z.strictObject({
  kind: z.literal('comment'),
  ...common,
  target: commentTarget,
  body,
  key,
  /** One comment for this target and key, whichever jobs write it: each edits it. */
  sticky: z.boolean().optional(),
})

/** What an agent says of a comment. */
export type CommentOutput = z.infer<typeof commentOutput>

/** Writes the comment, or finds it; a sticky one is edited. */
export function publishComment(forge: WriteForge, output: CommentOutput, job: Author): Promise<Receipt> {
  return output.sticky === true ? writeSticky(forge, output, job) : writeOnce(forge, output, job)
}

/**
 * No forge can make two simultaneous attempts exclude each other here; the job's lease does. A
 * repeat after a crash or a lost answer finds the first.
 */
async function writeOnce(forge: WriteForge, output: CommentOutput, job: Author): Promise<Receipt> {
  const { repository, target } = output
  const marked = jobKey(job, output.key)
  const comments = await forge.comments(repository, target, { since: job.createdAt })
  const [earlier] = await findOwn(forge, repository, comments, marked)
  if (earlier !== undefined) return { url: earlier.url, ...about(target), created: false }
  const text = withMarker(output.body, { keys: [marked] }, forge.maxBodyChars)
  const { url } = await forge.createComment(repository, target, text)
  return { url, ...about(target), created: true }
}

/**
 * Two jobs may write the first one at the same moment. Both then keep the older and delete the
 * other; what a later job says stays, in whichever order they are done.
 */
async function writeSticky(forge: WriteForge, output: CommentOutput, job: Author): Promise<Receipt> {
  const { repository, target } = output
  const sticky = `sticky=${output.key}`
  const order = job.createdAt?.getTime()
  const text = withMarker(output.body, { keys: [sticky, jobKey(job, sticky)], order }, forge.maxBodyChars)
  const ours = async () => findOwn(forge, repository, await forge.comments(repository, target), sticky)
  const before = await ours()
  const made = before.length === 0 ? await forge.createComment(repository, target, text) : null
  const [first, ...others] = made === null ? before : await ours()
  for (const { id } of others) await forge.deleteComment(repository, target, id)
  if (first !== undefined && first.body !== text && !isNewer(first.body, order)) {
    await forge.updateComment(repository, target, first.id, text)
  }
  const { url } = first ?? made ?? { url: '' }
  return { url, ...about(target), created: made !== null && made.url === url }
}

function about(target: CommentTarget): { sha: string } | { number: number } {
  return 'commit' in target ? { sha: target.commit } : { number: numberOf(target) }
}
