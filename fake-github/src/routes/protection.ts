// The protection of branches, of which no branch has any.
import { readRef } from '../git.ts'
import { GithubError } from '../github-error.ts'
import type { RepositoryCall } from '../route.ts'
import { read } from '../route.ts'

const PROTECTION = '/repos/{owner}/{repo}/branches/{branch}/protection'
const PARTS = [
  '',
  '/enforce_admins',
  '/required_pull_request_reviews',
  '/required_signatures',
  '/required_status_checks',
  '/required_status_checks/contexts',
  '/restrictions',
  '/restrictions/apps',
  '/restrictions/teams',
  '/restrictions/users',
]

/** https://docs.github.com/en/rest/branches/branch-protection */
export const protectionRoutes = PARTS.map((part) => read(`${PROTECTION}${part}`, 'administration:read', notProtected))

async function notProtected({ repo, params }: RepositoryCall): Promise<never> {
  const exists = await readRef(repo.dir, `refs/heads/${params.branch}`)
  throw new GithubError(404, exists ? 'Branch not protected' : 'Branch not found')
}
