// Agents on the wire: what the API answers, checked and described by one schema.
import { z } from 'zod'

/** An agent as lists show it. */
export const agentSummary = z.object({ name: z.string(), description: z.string() }).meta({ id: 'AgentSummary' })
