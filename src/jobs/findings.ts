// The findings of the repositories that a job may write about: what its agent may ask, and leave.
import type { Sql } from '../db/database.ts'
import type { Ledger, Review } from '../findings/finding.ts'
import type { Muting } from '../findings/precision.ts'
import { DEFAULT_MUTING } from '../findings/precision.ts'
import { ledgerOn } from '../findings/query.ts'
import { GiveUp } from '../lib/error.ts'
import { isRepositoryIn } from '../lib/repository-globs.ts'
import type { Policy } from '../publisher/policy.ts'

type Allowed = Pick<Policy, 'repositories' | 'staged'> | null

/** What the agent of a job may ask: a method of a repository that is not its job's gives it up. */
export function ledgerFor(sql: Sql, policy: Allowed, muting: Muting = DEFAULT_MUTING): Ledger {
  const ledger = ledgerOn(sql, muting)
  const require = (repository: string) => requireRepository(repository, policy)
  return {
    async of(scope) {
      require(scope.repository)
      return ledger.of(scope)
    },
    async dismissed(repository, fingerprints) {
      require(repository)
      return ledger.dismissed(repository, fingerprints)
    },
    async muted(repository) {
      require(repository)
      return ledger.muted(repository)
    },
    async last(scope) {
      require(scope.repository)
      return ledger.last(scope)
    },
    async reviewed(scope) {
      require(scope.repository)
      return ledger.reviewed(scope)
    },
  }
}

/**
 * What of the returned findings is to be stored: of a staged job none, because it reports nothing.
 * @throws GiveUp when they are of a repository that the rule does not name.
 */
export function findingsToStore(findings: Review | null, policy: Allowed): Review | null {
  if (findings === null) return null
  requireRepository(findings.scope.repository, policy)
  return policy?.staged === true ? null : findings
}

function requireRepository(repository: string, policy: Allowed): void {
  if (isRepositoryIn(policy?.repositories ?? [], repository)) return
  throw new GiveUp(
    `findings: ${repository} is not a repository that the rule may write to; its \`repositories\` can name it.`,
  )
}
