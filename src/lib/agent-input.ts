// The input of a job, checked by the schema of its agent.
import type { z } from 'zod'
import { GiveUp } from './error.ts'
import { describe } from './zod.ts'

/**
 * What the agent's schema makes of an input.
 * @throws GiveUp when it is not valid: it would not be at another attempt.
 */
export async function parseInput(agent: { name: string; input: z.ZodType }, input: unknown): Promise<unknown> {
  const parsed = await agent.input.safeParseAsync(input)
  if (parsed.success) return parsed.data
  throw new GiveUp(`The input of agent "${agent.name}" is not valid: ${describe(parsed.error, { root: 'input' })}`)
}
