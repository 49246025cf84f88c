// The smallest agent: proves that the orchestrator takes jobs and finishes them.
import { z } from 'zod'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'

const agent = defineAgent({
  name: 'ping',
  description: 'Answers at once: the orchestrator is alive.',
  input: z.looseObject({}).nullish(),
  async run({ job, event, log, now }) {
    const at = now().toISOString()
    log(`pong at ${at}`)
    return { result: { pong: true, at, job: job.id, attempt: job.attempt, event: event?.type ?? null } }
  },
})

/**
 * Finishes at once with `{ pong: true, at, job, attempt, event }`, after one line in the job's log.
 */
export const ping: Agent = { ...agent, runsIn: 'service' }
