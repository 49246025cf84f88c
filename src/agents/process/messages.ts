// What an agent's child process and the service say to each other.
import type { Event } from '../../events/event.ts'
import type { Ledger } from '../../findings/finding.ts'
import type { ModelState } from '../../models/model.ts'
import type { AgentContext } from '../agent.ts'
import type { Thrown } from './thrown.ts'
import { fromThrown, toThrown } from './thrown.ts'

/** What an attempt begins with; the child reads the payload from the event again. */
export type Start = Pick<AgentContext<unknown>, 'job' | 'input'> & {
  event: Event | null
  hasForge: boolean
  model: ModelState
}

/**
 * How it ended. `isClean`: the agent left nothing in the child, so that it can run another attempt;
 * `hasSpawned`: it has started a program, which may still run.
 */
export type Ended = { isClean: boolean; hasSpawned: boolean } & (
  | { thrown: Thrown }
  | { returned: unknown; result: JsonText | null }
)

/** What an agent may ask of the findings. */
export const LEDGER_METHODS = ['of', 'dismissed', 'muted', 'last', 'reviewed'] as const satisfies readonly [
  keyof Ledger,
  ...(keyof Ledger)[],
]

/**
 * A value as JSON, made where the value is: a copy would have lost its `toJSON`. Or why there is
 * none.
 */
export type JsonText = { text: string | undefined } | { thrown: Thrown }

/** The value as JSON. */
export function toJsonText(value: unknown): JsonText {
  try {
    return { text: JSON.stringify(value) }
  } catch (error) {
    return { thrown: toThrown(error) }
  }
}

/** A value of the same JSON; or one that has none either, and for the same reason. */
export function fromJsonText(json: JsonText): unknown {
  if ('text' in json) return json.text === undefined ? undefined : JSON.parse(json.text)
  return {
    toJSON() {
      throw fromThrown(json.thrown)
    },
  }
}
