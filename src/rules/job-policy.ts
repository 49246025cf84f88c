// What the jobs of a rule may write: what the rule says, in the repositories of the event.
import type { Facts } from '../events/facts.ts'
import { isRepositoryName } from '../lib/repository.ts'
import type { Policy } from '../publisher/policy.ts'
import type { InstalledRule } from './rule.ts'

/**
 * The policy that a job keeps, whatever becomes of its rule. Where the rule names no repositories
 * it is the event's own; of an event without one, such as a deployment, those that the installation
 * has for it.
 */
export function policyOf(
  { repositories, outputs, staged, home = [], config }: Omit<InstalledRule, 'name' | 'on' | 'agent'>,
  { repository }: Pick<Facts, 'repository'>,
): Policy {
  const own = repository === undefined ? home : [repository].filter(isRepositoryName)
  return {
    repositories: repositories ?? own,
    ...(outputs !== undefined && { outputs }),
    ...(staged === true && { staged }),
    ...(repository !== undefined && { isOfForge: true as const }),
    ...(config !== undefined && { config }),
  }
}
