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
import type { Effect } from './senders-log.ts'

/** What a job leaves behind, and whether a program of its own does the work. */
type Kind = 'comment' | 'pull-request' | 'program' | 'quiet'

const PROGRAM = fileURLToPath(new URL('program.ts', import.meta.url))
// Losses are what this is about; they must not end a job. It is the most a rule may allow.
const MAX_ATTEMPTS = 100

/** Who pushes decides what is to follow: the rules by who they are for. */
const FOLLOWS = {
  comment: ['comment'],
  'pull-request': ['pull-request'],
  program: ['program'],
  quiet: ['quiet'],
  both: ['comment', 'pull-request'],
  nobody: [],
} as const satisfies Record<string, readonly Kind[]>
export type Pusher = keyof typeof FOLLOWS

const EFFECTS: Record<Kind, Effect | null> = {
  comment: 'comment',
  'pull-request': 'pull request',
  program: 'comment',
  quiet: null,
}

/** What is to follow from a push. */
export function jobsAfter(pusher: Pusher): { rule: string; effect: Effect | null }[] {
  return FOLLOWS[pusher].map((rule) => ({ rule, effect: EFFECTS[rule] }))
}

/** What is to follow from an issue. */
export const JOBS_AFTER_ISSUE = [{ rule: 'issue', effect: EFFECTS.comment }]

/**
 * One rule for each kind, with the branch of a push as the group of its jobs, and one for issues,
 * which have no group.
 */
export const rules: Rule[] = [
  ...(Object.keys(EFFECTS) as Kind[]).map((kind) => ({
    name: kind,
    on: 'push',
    when: { author: pushersOf(kind) },
    agent: kind,
    concurrency: { key: '{branch}' },
    maxAttempts: MAX_ATTEMPTS,
  })),
  { name: 'issue', on: 'issues.opened', who: 'anyone', agent: 'comment', maxAttempts: MAX_ATTEMPTS },
]

function pushersOf(kind: Kind): string[] {
  return Object.entries(FOLLOWS).flatMap(([pusher, kinds]) => (kinds.some((one) => one === kind) ? [pusher] : []))
}

/** The agents; they record in the journal. */
export function agentsOf(journal: Journal, { path, leaseMs }: { path: string; leaseMs: number }): Agent[] {
  // Less than the fifth of a lease that an orchestrator waits for what it stops.
  const graceMs = leaseMs / 5 - 100
  // It writes to the journal, which is not its own folder.
  const program = command({ name: 'program', argv: [process.execPath, PROGRAM, path], graceMs, isolation: 'none' })
  return [
    witness('comment', journal, commentOn),
    witness('pull-request', journal, pullRequest),
    witness('quiet', journal),
    {
      ...program,
      async run(context) {
        journal.write({ what: 'runs', ...attemptedOf(context) })
        return program.run(context)
      },
    },
  ]
}

function witness(name: Kind, journal: Journal, outputOf?: (event: Witnessed) => Output): Agent {
  return defineAgent({
    name,
    description: 'Works for a while and leaves one output or none, naming its delivery.',
    input: z.unknown(),
    async run(context) {
      const { payload, signal, step, log } = context
      const { work_ms = 20, ...said } = payload as Said
      const attempted = attemptedOf(context)
      journal.write({ what: 'begin', ...attempted })
      try {
        const delivery = await step('delivery', () => said.delivery ?? said.issue?.title ?? '')
        log(`works for ${work_ms} ms`)
        await wait(work_ms, undefined, { signal })
        await step('worked', () => work_ms)
        const { repository = '' } = context.event?.facts ?? {}
        const number = said.issue?.number ?? said.about ?? 0
        return { outputs: outputOf ? [outputOf({ delivery, repository, number })] : [] }
      } finally {
        journal.write({ what: 'end', ...attempted })
      }
    },
  })
}

/** What a webhook says: a push, or an issue that was opened. */
type Said = { work_ms?: number; delivery?: string; about?: number; issue?: { number: number; title: string } }

/** What has no group is one for itself. */
function attemptedOf({ job, event }: AgentContext<unknown>): Attempted {
  return { job: job.id, attempt: job.attempt, group: event?.facts.branch ?? job.id }
}

type Witnessed = { delivery: string; repository: string; number: number }

function commentOn({ delivery, repository, number }: Witnessed): Output {
  return { kind: 'comment', key: 'witness', repository, target: { issue: number }, body: `saw ${delivery}.` }
}

function pullRequest({ delivery, repository }: Witnessed): Output {
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
