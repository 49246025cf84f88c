// Agents on the wire: what the API answers, checked and described by one schema.
import { z } from 'zod'
import type { Agent } from './agent.ts'

/** An agent as lists show it. */
export const agentSummary = z
  .object({
    name: z.string(),
    description: z.string(),
    job_types: z
      .array(z.string())
      .meta({ description: 'Other names than its own under which its jobs can be asked for by hand.' }),
  })
  .meta({ id: 'AgentSummary' })
export type AgentSummary = z.infer<typeof agentSummary>

/** An agent as lists show it. */
export function agentRow({ name, description, jobTypes = [] }: Agent): AgentSummary {
  return { name, description, job_types: [...jobTypes] }
}
