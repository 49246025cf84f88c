// When what a payload reports happened, by GitHub's clock: webhooks may arrive in another order.
import { z } from 'zod'
import { part } from '../fact.ts'

const time = z.iso.datetime({ offset: true })
const seconds = z.int().positive().max(9_999_999_999)

/**
 * The time of the change, to the second; undefined where the payload has none. That of a push is
 * the repository's, because a commit's is whatever its maker set; that of a release is when it was
 * published.
 */
export function happenedAt(event: string, payload: Record<string, unknown>): Date | undefined {
  if (event === 'push') {
    const pushed = seconds.safeParse(part(payload.repository).pushed_at).data
    return pushed === undefined ? undefined : new Date(pushed * 1000)
  }
  if (event === 'release' && payload.action === 'published') {
    const published = time.safeParse(part(payload.release).published_at).data
    return published === undefined ? undefined : new Date(published)
  }
  const changed = time.safeParse(part(payload.pull_request ?? payload.issue).updated_at).data
  return changed === undefined ? undefined : new Date(changed)
}
