// How the publisher finds what it wrote before.
import type { WriteForge } from '../forges/forge.ts'
import { readMarker } from '../lib/marker.ts'

/** What names an output of a job in its marker, once and for all. */
export function jobKey(job: { id: string }, key: string): string {
  return `job=${job.id}/${key}`
}

/**
 * Those of `things` that have a key in their marker and are by our own account, in their order.
 * Markers can be copied: one in the text of somebody else says nothing.
 */
export async function findOwn<T extends { body: string; author: string | null }>(
  forge: WriteForge,
  repository: string,
  things: readonly T[],
  key: string,
): Promise<T[]> {
  const own: T[] = []
  for (const thing of things) {
    const isMarked = readMarker(thing.body)?.keys.includes(key) ?? false
    if (isMarked && (await forge.isOwn(repository, thing.author))) own.push(thing)
  }
  return own
}

/** Whether a text was written by a job that was made later than at `order`. */
export function isNewer(body: string, order: number | undefined): boolean {
  return (readMarker(body)?.order ?? Number.NEGATIVE_INFINITY) > (order ?? Number.POSITIVE_INFINITY)
}
