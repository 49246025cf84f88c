// Deployments and how they go: https://docs.github.com/en/rest/deployments
import { isObject } from '../../lib/json.ts'
import type { DeploymentForge, DeploymentState, NewDeployment, WrittenStatus } from '../deployments.ts'
import type { GithubConnection } from './connection.ts'
import { waitIfInDoubt } from './in-doubt.ts'
import { firstPages, PAGE_SIZE } from './pages.ts'
import { webUrl } from './web-url.ts'

// What of a deployment's payload is ours.
const KEY = 'signalbox'

const MAX_PAGES = 10

/** See `DeploymentForge`. */
export function deployments({ apiUrl, withClient }: GithubConnection): DeploymentForge {
  return {
    deployments: (repository, { ref, environment }) =>
      withClient(repository, async (octokit, at) => {
        const of = { environment, ...(ref === undefined ? {} : { ref }) }
        const { data } = await octokit.rest.repos.listDeployments({ ...at, ...of, per_page: PAGE_SIZE })
        return data.map((each) => ({
          id: each.id,
          ref: each.ref,
          sha: each.sha,
          environment: each.environment,
          description: each.description ?? '',
          key: keyIn(each.payload),
          author: each.creator?.login ?? null,
          createdAt: new Date(each.created_at),
        }))
      }),

    createDeployment: (repository, deployment) =>
      withClient(repository, async (octokit, at) => {
        const creating = octokit.rest.repos.createDeployment({ ...at, ...toRequest(deployment) })
        const { data } = await waitIfInDoubt('a new deployment', creating)
        // 202 says that the base was merged in place of a deployment, which `auto_merge` forbids.
        if (!('id' in data)) throw new Error('GitHub made no deployment.')
        return { id: data.id }
      }),

    deploymentStatuses: (repository, id) =>
      withClient(repository, async (octokit, at) => {
        const options = { ...at, deployment_id: id, per_page: PAGE_SIZE }
        const pages = firstPages(MAX_PAGES, (data: StatusAnswer[]) => data.map(toStatus))
        return octokit.paginate(octokit.rest.repos.listDeploymentStatuses, options, pages)
      }),

    createDeploymentStatus: (repository, id, { state, description, logUrl, environmentUrl }) =>
      withClient(repository, async (octokit, at) => {
        const creating = octokit.rest.repos.createDeploymentStatus({
          ...at,
          deployment_id: id,
          state,
          description,
          log_url: logUrl,
          environment_url: environmentUrl,
        })
        await waitIfInDoubt("a deployment's new status", creating)
      }),

    deploymentsUrl: (repository) => `${webUrl(apiUrl)}/${repository}/deployments`,
  }
}

type StatusAnswer = {
  state: DeploymentState
  description: string
  log_url?: string
  environment_url?: string
  creator: { login: string } | null
  created_at: string
}

function toStatus(status: StatusAnswer): WrittenStatus {
  return {
    state: status.state,
    description: status.description,
    logUrl: status.log_url ?? '',
    environmentUrl: status.environment_url ?? '',
    author: status.creator?.login ?? null,
    createdAt: new Date(status.created_at),
  }
}

function toRequest({ ref, environment, key, ...more }: NewDeployment) {
  return {
    ref,
    environment,
    payload: { [KEY]: key },
    auto_merge: false,
    required_contexts: [...(more.requiredContexts ?? [])],
    ...(more.task === undefined ? {} : { task: more.task }),
    ...(more.description === undefined ? {} : { description: more.description }),
    ...(more.production === undefined ? {} : { production_environment: more.production }),
    ...(more.transient === undefined ? {} : { transient_environment: more.transient }),
  }
}

function keyIn(payload: unknown): string | null {
  const key = isObject(payload) ? payload[KEY] : null
  return typeof key === 'string' ? key : null
}
