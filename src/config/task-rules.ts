// The default rules that make pull requests of issues, of commands and of feedback.
import type { Rule } from '../rules/rule.ts'

const TASK_MS = 60 * 60_000
// About what 50 turns come to that read much.
const TASK_TOKENS = 3_000_000

/** What every rule of tasks has: its jobs share a group, and write what a task writes. */
const TASK = {
  agent: 'issue-to-pr',
  timeLimitMs: TASK_MS,
  budget: { tokens: TASK_TOKENS },
  outputs: { pull_request: { draft: true }, comment: {}, labels: { allow: ['agent-task'] }, thread: {} },
} as const satisfies Partial<Rule>

/** The rules. */
export const TASK_RULES: readonly Rule[] = [
  {
    ...TASK,
    name: 'task-label',
    on: 'issues.labeled',
    when: { label: 'agent-task' },
    jobType: 'github_issues',
    concurrency: { key: 'task:{repository}:{number}', mode: 'skip' },
  },
  {
    ...TASK,
    name: 'task-command',
    on: 'command',
    command: {
      name: 'task',
      arguments: { '--max': 'number', 'text?': 'text' },
      description: 'Works on this and opens a draft pull request',
    },
    concurrency: { key: 'task:{repository}:{number}' },
  },
  {
    ...TASK,
    name: 'task-feedback',
    on: 'pull_request_review.submitted',
    when: { label: 'agent-task' },
    concurrency: { key: 'task:{repository}:{number}' },
  },
]
