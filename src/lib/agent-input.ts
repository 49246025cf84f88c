// The input of a job, checked by the schema of its agent.
import type { z } from 'zod'
import { AppError, GiveUp } from './error.ts'
import { describe, PARSING } from './zod.ts'

/**
 * What the agent's schema makes of an input.
 * @throws GiveUp when it is not valid: it would not be at another attempt.
 */
export async function parseInput(agent: Agent, input: unknown): Promise<unknown> {
  const parsed = await agent.input.safeParseAsync(input, PARSING)
  if (parsed.success) return parsed.data
  throw new GiveUp(sentence(agent, parsed.error))
}

/**
 * Refuses an input that the agent's schema refuses, before there is a job.
 * @throws AppError `input_invalid` naming every field at fault.
 */
export function requireInput(agent: Agent, input: unknown): void {
  const error = inputError(agent, input)
  if (error !== null) throw new AppError('input_invalid', sentence(agent, error))
}

/**
 * What the agent's schema says against an input at once; null where only the job itself can ask a
 * schema, whose checks are asynchronous or fail.
 */
export function inputError(agent: Agent, input: unknown): z.ZodError | null {
  try {
    return agent.input.safeParse(input, PARSING).error ?? null
  } catch {
    return null
  }
}

type Agent = { name: string; input: z.ZodType }

function sentence({ name }: Agent, error: z.ZodError): string {
  return describe(error, { root: 'input', intro: `The input of agent "${name}" is not valid:` })
}
