// A reply in a review thread, found by its marker before it is written, and the end of the thread.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import type { ReviewThread } from '../forges/reviews.ts'
import { GiveUp } from '../lib/error.ts'
import { withMarker } from '../lib/marker.ts'
import type { Receipt } from './output.ts'
import { body, common, key, number } from './output-fields.ts'
import { findOwn, jobKey } from './own.ts'
import type { Author } from './publish.ts'

/** What is said in a thread of a review, and whether that ends it. */
export const threadOutput = z
  .strictObject({
    kind: z.literal('thread'),
    ...common,
    pullRequest: number,
    /** The `id` that `reviewThreads` shows. */
    thread: z.string().min(1).max(200),
    reply: body.min(1).optional(),
    resolve: z.literal(true).optional(),
    key,
  })
  .refine(({ reply, resolve }) => reply !== undefined || resolve !== undefined, {
    path: ['reply'],
    error: 'is required, unless "resolve" is given',
  })

/** What an agent says of a thread. */
export type ThreadOutput = z.infer<typeof threadOutput>

/**
 * Replies unless this job has, and resolves the thread unless it is.
 * @throws GiveUp when the pull request has no such thread, or when it is to be resolved, somebody
 * else began it, and the policy does not allow that.
 */
export async function publishThread(forge: WriteForge, output: ThreadOutput, job: Author): Promise<Receipt> {
  const { repository, pullRequest, thread: id, resolve } = output
  // Looked for among those of the pull request: an id alone may be of another repository.
  const thread = (await forge.reviewThreads(repository, pullRequest)).find((each) => each.id === id)
  const [first] = thread?.comments ?? []
  if (thread === undefined || first === undefined) {
    throw new GiveUp(`The pull request ${pullRequest} of ${repository} has no review thread ${id}.`)
  }
  const mayResolve = job.policy?.outputs?.thread?.resolve === 'any' || (await forge.isOwn(repository, first.author))
  if (resolve === true && !mayResolve) {
    throw new GiveUp(
      `Somebody else began the thread ${first.url}; \`outputs: { thread: { resolve: 'any' } }\` lets the rule resolve it.`,
    )
  }
  const { url, created } = await replyOnce(forge, output, { thread, first: first.id, url: first.url }, job)
  if (resolve === true && !thread.isResolved) await forge.resolveThread(repository, id)
  return { url, number: pullRequest, created }
}

type Found = { thread: ReviewThread; first: number; url: string }

async function replyOnce(
  forge: WriteForge,
  { repository, pullRequest, reply, key }: ThreadOutput,
  { thread, first, url }: Found,
  job: Author,
): Promise<{ url: string; created: boolean }> {
  if (reply === undefined) return { url, created: false }
  const marked = jobKey(job, key)
  const [earlier] = await findOwn(forge, repository, thread.comments, marked)
  if (earlier !== undefined) return { url: earlier.url, created: false }
  const text = withMarker(reply, { keys: [marked] }, forge.maxBodyChars)
  return { url: (await forge.replyInThread(repository, pullRequest, first, text)).url, created: true }
}
