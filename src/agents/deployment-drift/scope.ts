// Which deployments an event, or who asks by hand, wants compared (pure).
import type { DocumentedFilter } from '../../deployments/documented.ts'
import type { Event } from '../../events/event.ts'
import { isObject } from '../../lib/json.ts'

// GitHub lists no more commits of a push.
const MAX_LISTED_COMMITS = 2048
const LISTS = ['added', 'modified', 'removed']

/** What is compared, and where a comment belongs; `skipped` says why nothing is. */
export type Scope =
  | { skipped: string }
  | {
      filter: DocumentedFilter
      /** Of a push: its branch, the default one, and which files it touched; null: any. */
      push: { branch: string; defaultBranch: string | null; touched: ReadonlySet<string> | null } | null
      target: { commit: string } | { pullRequest: number } | null
    }

/** Reads it from the event's facts and payload; without a repository, from the input. */
export function scopeOf(event: Pick<Event, 'type' | 'facts'> | null, payload: unknown, input: DocumentedFilter): Scope {
  const { repository, branch, sha, number } = event?.facts ?? {}
  if (event === null || repository === undefined) return { filter: input, push: null, target: null }
  if (event.type !== 'push') {
    if (number === undefined) return { skipped: 'The event is of no pull request.' }
    return { filter: { repository, pullRequest: number }, push: null, target: { pullRequest: number } }
  }
  if (branch === undefined || sha === undefined || /^0+$/.test(sha)) return { skipped: 'The push left no branch.' }
  const push = { branch, defaultBranch: defaultBranchIn(payload), touched: touchedIn(payload) }
  if (push.touched?.size === 0) return { skipped: 'The push touched no file.' }
  return { filter: { repository }, push, target: { commit: sha } }
}

function defaultBranchIn(payload: unknown): string | null {
  const repository = isObject(payload) && isObject(payload.repository) ? payload.repository : {}
  return typeof repository.default_branch === 'string' ? repository.default_branch : null
}

/** The files that the commits of a push name; null where they do not tell all. */
function touchedIn(payload: unknown): Set<string> | null {
  const { commits, forced } = isObject(payload) ? payload : {}
  if (!Array.isArray(commits) || forced === true) return null
  if (commits.length === 0 || commits.length >= MAX_LISTED_COMMITS) return null
  // Another forge may leave the lists out.
  const lists = commits.flatMap((commit) => (isObject(commit) ? LISTS.map((list) => commit[list]) : [null]))
  return lists.every(Array.isArray) ? new Set(lists.flat().map(String)) : null
}
