// What an agent returned becomes outputs: read, allowed, without secrets. Nothing of it is stored
// before.
import type { ValueFinder } from '../untrusted/value-finder.ts'
import type { Output } from './output.ts'
import { parseOutputs } from './output.ts'
import type { Policy } from './policy.ts'
import { NO_POLICY } from './policy.ts'
import { requireReferences } from './references.ts'
import { requireAllowed } from './refusal.ts'
import { redactedOutput, requireNoSecrets } from './secrets.ts'

/**
 * Checks what an agent returned.
 * @throws GiveUp saying what is wrong, or refused: the same agent would return it again.
 */
export type AcceptOutputs = (returned: unknown, policy: Policy | null) => Output[]

/** Accepts outputs of agents that must not know the values that `isOwn` finds. */
export function accepting(isOwn: ValueFinder): AcceptOutputs {
  return (returned, policy) => {
    const outputs = parseOutputs(returned)
    const limits = policy ?? NO_POLICY
    requireAllowed(outputs, limits)
    requireReferences(outputs)
    for (const output of outputs) requireNoSecrets(output, limits, isOwn)
    return outputs.map(redactedOutput)
  }
}
