// The agents of the processes that faults happen to: each records when it runs, does what it is
// asked to do, and stops when it is asked to.
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Agent, AgentContext } from '../../src/agents/agent.ts'
import { defineAgent } from '../../src/agents/agent.ts'
import { command } from '../../src/agents/command/command.ts'
import type { Output } from '../../src/publisher/output.ts'
import type { Rule } from '../../src/rules/rule.ts'
import type { Attempted, Journal } from './journal.ts'

/** What a job leaves behind, and whether a program of its own does the work. */
export const KINDS = ['comment', 'pull-request', 'program'] as const
export type Kind = (typeof KINDS)[number]

const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url))
// Losses are what this is about; they must not end a job. It is the most a rule may allow.
const MAX_ATTEMPTS = 100

/** One rule for each kind; the branch of a push is the group of its job. */
export const rules: Rule[] = KINDS.map((kind) => ({
  name: kind,
  on: 'push',
  when: { author: kind },
  agent: kind,
  concurrency: { key: '{branch}' },
  maxAttempts: MAX_ATTEMPTS,
}))

/** The agents; they record in the journal. */
export function agentsOf(journal: Journal, { path, leaseMs }: { path: string; leaseMs: number }): Agent[] {
  // Less than the fifth of a lease that an orchestrator waits for what it stops.
  const graceMs = leaseMs / 5 - 100
  // It writes to the journal, which is not its own folder.
  const program = command({ name: 'program', argv: [process.execPath, PROGRAM, path], graceMs, isolation: 'none' })
  return [
    witness('comment', journal, commentOn),
    witness('pull-request', journal, pullRequest),
    {
      ...program,
      async run(context) {
        journal.write({ what: 'runs', ...attemptedOf(context) })
        return program.run(context)
      },
    },
  ]
}

function witness(name: Kind, journal: Journal, outputOf: (event: Pushed) => Output): Agent {
  return defineAgent({
    name,
    description: 'Works for a while and leaves one output, naming its delivery.',
    input: z.unknown(),
    async run(context) {
      const { event, payload, signal, step } = context
      const attempted = attemptedOf(context)
      journal.write({ what: 'begin', ...attempted })
      try {
        const delivery = await step('delivery', () => event?.deliveryId ?? '')
        await wait((payload as { work_ms: number }).work_ms, undefined, { signal })
        const { repository = '', sha = '' } = event?.facts ?? {}
        return { outputs: [outputOf({ delivery, repository, sha })] }
      } finally {
        journal.write({ what: 'end', ...attempted })
      }
    },
  })
}

function attemptedOf({ job, event }: AgentContext<unknown>): Attempted {
  return { job: job.id, attempt: job.attempt, group: event?.facts.branch ?? '' }
}

type Pushed = { delivery: string; repository: string; sha: string }

function commentOn({ delivery, repository, sha }: Pushed): Output {
  return { kind: 'comment', key: 'witness', repository, target: { commit: sha }, body: `saw ${delivery}.` }
}

function pullRequest({ delivery, repository }: Pushed): Output {
  return {
    kind: 'pull_request',
    key: `chaos=${delivery}`,
    repository,
    branch: `signalbox/${delivery}`,
    title: `Saw ${delivery}`,
    body: `saw ${delivery}.`,
    commitMessage: `Saw ${delivery}`,
    changes: [{ path: `seen/${delivery}.txt`, content: `${delivery}\n` }],
    onOpenPullRequest: 'separate',
  }
}
