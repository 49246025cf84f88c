// Where an agent answers whoever wrote a text.
import type { Facts } from '../events/facts.ts'

/** An issue or a pull request, and its repository. */
export type AnswerTarget = { repository: string; target: { issue: number } | { pullRequest: number } }

/** The issue or pull request that an event is about; null for what cannot be commented on. */
export function answerTarget(type: string, facts: Facts): AnswerTarget | null {
  const { repository, number, isPullRequest } = facts
  if (repository === undefined || number === undefined || type.startsWith('discussion')) return null
  return { repository, target: isPullRequest ? { pullRequest: number } : { issue: number } }
}
