// Publishing a comment: looked for by its marker before it is written.
import type { WriteForge } from '../forges/forge.ts'
import { numberOf } from '../forges/target.ts'
import { readMarker, withMarker } from '../lib/marker.ts'
import type { CommentOutput, Receipt } from './output.ts'
import type { Author } from './publish.ts'

/**
 * Writes the comment unless one with this job's marker is there. No forge can make two simultaneous
 * attempts exclude each other here; the job's lease does. A repeat after a crash or a lost answer
 * finds the first.
 */
export async function publishComment(forge: WriteForge, output: CommentOutput, job: Author): Promise<Receipt> {
  const { repository, target } = output
  const key = `job=${job.id}/${output.key}`
  const about = 'commit' in target ? { sha: target.commit } : { number: numberOf(target) }
  const comments = await forge.comments(repository, target, { since: job.createdAt })
  const earlier = comments.find(({ body }) => readMarker(body)?.keys.includes(key))
  if (earlier !== undefined) return { url: earlier.url, ...about, created: false }
  const body = withMarker(output.body, { keys: [key] }, forge.maxBodyChars)
  const { url } = await forge.createComment(repository, target, body)
  return { url, ...about, created: true }
}
