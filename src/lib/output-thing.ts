// What two outputs of a job have in common when they are about the same thing.
import { plainRepositoryName } from './repository.ts'

type Keyed = {
  kind: string
  repository: string
  key?: string | undefined
  target?: unknown
  thread?: unknown
  commit?: unknown
  pullRequest?: unknown
  branch?: unknown
}

/** What an output of a job is about: a later one of the same updates it. Null without a key. */
export function thingOf({ kind, repository, key, ...output }: Keyed): string | null {
  if (key === undefined) return null
  // All that says where it is: with one key an agent could write to any number of branches.
  const { target, thread, commit, pullRequest, branch } = output
  const place = [target, thread, commit, pullRequest, branch].map((each) => each ?? null)
  return JSON.stringify([kind, plainRepositoryName(repository).toLowerCase(), key, ...place])
}
