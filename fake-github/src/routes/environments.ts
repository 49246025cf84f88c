// What is deployed to; nothing protects it.
import { z } from 'zod'
import { notFound } from '../github-error.ts'
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Environment } from '../records.ts'
import type { RepositoryCall } from '../route.ts'
import { change, json, noContent, pageOf, read, readBody } from '../route.ts'
import { nodeId } from '../shapes/node-id.ts'
import { repositoryPage, repositoryUrl } from '../shapes/repositories.ts'
import type { Repository } from '../state.ts'

const ENVIRONMENTS = '/repos/{owner}/{repo}/environments'
const ENVIRONMENT = `${ENVIRONMENTS}/{environment_name}`
const WRITE = { need: 'administration:write', role: 'admin' } as const
// What would protect it is refused, so that nobody takes it for protected.
const updateBody = z.strictObject({
  wait_timer: z.literal(0).optional(),
  prevent_self_review: z.literal(false).optional(),
  reviewers: z.array(z.never()).nullish(),
  deployment_branch_policy: z.null().optional(),
})

/** https://docs.github.com/en/rest/deployments/environments */
export const environmentRoutes = [
  read(ENVIRONMENTS, 'actions:read', (call) => {
    const all = [...call.repo.environments.values()]
    return pageOf(
      call,
      all,
      (each) => show(call, each),
      (list) => ({ total_count: all.length, environments: list }),
    )
  }),

  read(ENVIRONMENT, 'actions:read', (call) => json(show(call, find(call)))),

  change('PUT', ENVIRONMENT, WRITE, (call) => {
    readBody(call, 'Environment', updateBody)
    return json(show(call, ensureEnvironment(call.hub, call.repo, call.params.environment_name ?? '')))
  }),

  change('DELETE', ENVIRONMENT, WRITE, (call) => {
    call.repo.environments.delete(find(call).name)
    return noContent()
  }),
]

/** The environment of that name, made when it is first deployed to. */
export function ensureEnvironment(hub: Hub, repo: Repository, name: string): Environment {
  const known = repo.environments.get(name)
  if (known) return known
  const environment = { id: hub.state.nextId(), name, createdAtMs: hub.clock() }
  repo.environments.set(name, environment)
  return environment
}

function find({ repo, params }: RepositoryCall): Environment {
  const environment = repo.environments.get(params.environment_name ?? '')
  if (!environment) throw notFound()
  return environment
}

function show({ hub, repo }: RepositoryCall, { id, name, createdAtMs }: Environment) {
  return {
    id,
    node_id: nodeId('Environment', id),
    name,
    url: `${repositoryUrl(hub, repo)}/environments/${encodeURIComponent(name)}`,
    html_url: `${repositoryPage(hub, repo)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
    created_at: isoTime(createdAtMs),
    updated_at: isoTime(createdAtMs),
    protection_rules: [],
    deployment_branch_policy: null,
  }
}
