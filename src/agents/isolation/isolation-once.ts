// What an agent decides about its programs before its first attempt, and keeps.
import type { Isolation, Surroundings, Wanted } from './isolation.ts'
import { isolationFor, ownSurroundings } from './isolation.ts'

/** An agent's `isolate`: decides at the first call; without a service by its own surroundings. */
export function isolationOnce(wanted: Wanted): (service?: Surroundings) => Promise<Isolation> {
  let decided: Promise<Isolation> | undefined
  return (service = ownSurroundings()) => {
    decided ??= isolationFor(wanted, service)
    return decided
  }
}
