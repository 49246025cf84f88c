// Publishing a comment: looked for by its marker before it is written.
import type { WriteForge } from '../forges/forge.ts'
import { readMarker, withMarker } from './marker.ts'
import type { CommentOutput, Receipt } from './output.ts'

// GitHub's limit for a body is 65,536 characters.
const MAX_BODY_CHARS = 65_000

/**
 * Writes the comment unless one with this job's marker is there. GitHub cannot make two
 * simultaneous tries exclude each other here, the job's lease does; a repeat after a crash or a
 * lost answer finds the first.
 */
export async function publishComment(forge: WriteForge, output: CommentOutput, job: { id: string }): Promise<Receipt> {
  const { repository, target } = output
  const key = `job=${job.id}/${output.key}`
  const about = 'issue' in target ? { number: target.issue } : { sha: target.commit }
  const earlier = (await forge.comments(repository, target)).find(({ body }) => readMarker(body)?.keys.includes(key))
  if (earlier !== undefined) return { url: earlier.url, ...about, created: false }
  const { url } = await forge.createComment(
    repository,
    target,
    withMarker(output.body, { keys: [key] }, MAX_BODY_CHARS),
  )
  return { url, ...about, created: true }
}
