// What every part of the fake works with: the state, the outside connections and the clock.
import type { Faults } from './faults.ts'
import type { Repository, State } from './state.ts'
import type { Webhooks } from './webhooks.ts'

/** The running fake, as its inner parts see it. */
export type Hub = {
  state: State
  faults: Faults
  webhooks: Webhooks
  /** Milliseconds since the epoch. */
  clock(): number
  /** Web base, such as `http://127.0.0.1:4000`. */
  url: string
  /** REST base, `url` + `/api/v3`. */
  apiUrl: string
  /**
   * Runs one change of a repository at a time: a write reads, decides and writes across several
   * awaits.
   */
  lock<T>(repository: Repository, change: () => Promise<T>): Promise<T>
}

/** `Hub.lock`: a queue per repository. */
export function repositoryLock(): Hub['lock'] {
  const tails = new WeakMap<Repository, Promise<unknown>>()
  return (repository, change) => {
    const result = (tails.get(repository) ?? Promise.resolve()).then(change, change)
    tails.set(
      repository,
      result.catch(() => {}),
    )
    return result
  }
}

/** GitHub's timestamps: ISO 8601 in whole seconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** The same for a time that may be missing. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
