// What an agent returned becomes outputs: read, allowed, without secrets. Nothing of it is stored
// before.
import { GiveUp } from '../lib/error.ts'
import type { ValueFinder } from '../untrusted/value-finder.ts'
import type { Output } from './output.ts'
import { parseOutputs } from './output.ts'
import type { Policy } from './policy.ts'
import { NO_POLICY } from './policy.ts'
import { requireReferences } from './references.ts'
import { requireAllowed } from './refusal.ts'
import { redactedOutput, requireNoSecrets } from './secrets.ts'

const MAX_OUTPUTS_OF_JOB = 100

/**
 * Checks what an agent returned, or published; `earlier` are the outputs that its job has already.
 * @throws GiveUp saying what is wrong, or refused: the same agent would return it again.
 */
export type AcceptOutputs = (returned: unknown, policy: Policy | null, earlier?: readonly Output[]) => Output[]

/** Accepts outputs of agents that must not know the values that `isOwn` finds. */
export function accepting(isOwn: ValueFinder): AcceptOutputs {
  return (returned, policy, earlier = []) => {
    const outputs = parseOutputs(returned)
    if (outputs.length > 0 && earlier.length + outputs.length > MAX_OUTPUTS_OF_JOB)
      throw new GiveUp(`A job may have at most ${MAX_OUTPUTS_OF_JOB} outputs, with those written early.`)
    const limits = policy ?? NO_POLICY
    requireAllowed(outputs, limits, earlier)
    requireReferences(outputs, earlier)
    for (const output of outputs) requireNoSecrets(output, limits, isOwn)
    return outputs.map(redactedOutput)
  }
}
