// Statuses of commits as GitHub shows them.
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { CommitStatus } from '../records.ts'
import type { Repository } from '../state.ts'
import { accountShape } from './accounts.ts'
import { nodeId } from './node-id.ts'
import { repositoryShape, repositoryUrl } from './repositories.ts'

/** A status without its reporter, as in a combined one. */
export function simpleStatusShape(hub: Hub, repo: Repository, status: CommitStatus) {
  return {
    url: `${repositoryUrl(hub, repo)}/statuses/${status.sha}`,
    avatar_url: accountShape(hub, status.creator).avatar_url,
    id: status.id,
    node_id: nodeId('StatusContext', status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: isoTime(status.createdAtMs),
    updated_at: isoTime(status.createdAtMs),
  }
}

/** A status. */
export function statusShape(hub: Hub, repo: Repository, status: CommitStatus) {
  return { ...simpleStatusShape(hub, repo, status), creator: accountShape(hub, status.creator) }
}

/** What the latest status of each context amounts to, without the list of them. */
export function combinedStatusShape(hub: Hub, repo: Repository, sha: string, latest: CommitStatus[]) {
  const url = `${repositoryUrl(hub, repo)}/commits/${sha}`
  return {
    state: combinedState(latest),
    sha,
    total_count: latest.length,
    repository: repositoryShape(hub, repo),
    commit_url: url,
    url: `${url}/status`,
  }
}

function combinedState(latest: CommitStatus[]): CommitStatus['state'] {
  const states = latest.map(({ state }) => state)
  if (states.includes('failure') || states.includes('error')) return 'failure'
  return states.length === 0 || states.includes('pending') ? 'pending' : 'success'
}
