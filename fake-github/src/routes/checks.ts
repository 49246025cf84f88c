// Checks of commits; the fake cannot make any.
import type { RepositoryCall } from '../route.ts'
import { pageOf, read } from '../route.ts'
import { findCommit } from './commits.ts'

/** https://docs.github.com/en/rest/checks */
export const checkRoutes = [
  read('/repos/{owner}/{repo}/commits/{ref}/check-runs', 'checks:read', (call) => none(call, 'check_runs')),
  read('/repos/{owner}/{repo}/commits/{ref}/check-suites', 'checks:read', (call) => none(call, 'check_suites')),
]

async function none(call: RepositoryCall, name: string) {
  await findCommit(call.repo.dir, call.params.ref ?? '')
  return pageOf(call, [], String, (list) => ({ total_count: 0, [name]: list }))
}
