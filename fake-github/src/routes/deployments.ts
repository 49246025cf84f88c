// Deployments.
import { z } from 'zod'
import { emit } from '../events.ts'
import { readRef, resolveCommit } from '../git.ts'
import { isAncestor } from '../git-history.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import { mergeIntoBranch } from '../merge-branches.ts'
import type { Deployment } from '../records.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { deploymentShape } from '../shapes/deployments.ts'
import { ensureEnvironment } from './environments.ts'
import { latestStatuses } from './statuses.ts'

const DEPLOYMENTS = '/repos/{owner}/{repo}/deployments'
const createBody = z.object({
  ref: z.string().min(1),
  task: z.string().default('deploy'),
  auto_merge: z.boolean().default(true),
  required_contexts: z.array(z.string()).nullish(),
  payload: z.union([z.record(z.string(), z.unknown()), z.string()]).default({}),
  environment: z.string().default('production'),
  description: z.string().nullish(),
  transient_environment: z.boolean().default(false),
  production_environment: z.boolean().optional(),
})
type CreateBody = z.infer<typeof createBody>

/** https://docs.github.com/en/rest/deployments/deployments */
export const deploymentRoutes = [
  read(DEPLOYMENTS, 'deployments:read', (call) => {
    const { hub, repo, query } = call
    const filters = (['sha', 'ref', 'task', 'environment'] as const).filter((name) => query.has(name))
    const found = [...repo.deployments.values()].filter((each) =>
      filters.every((name) => each[name] === query.get(name)),
    )
    return page(call, found.reverse(), (deployment) => deploymentShape(hub, repo, deployment))
  }),

  change('POST', DEPLOYMENTS, { need: 'deployments:write' }, createDeployment),

  read(`${DEPLOYMENTS}/{deployment_id}`, 'deployments:read', (call) =>
    json(deploymentShape(call.hub, call.repo, findDeployment(call))),
  ),

  change('DELETE', `${DEPLOYMENTS}/{deployment_id}`, { need: 'deployments:write' }, (call) => {
    const { repo } = call
    const deployment = findDeployment(call)
    const isActive = deployment.statuses.length > 0 && deployment.statuses.at(-1)?.state !== 'inactive'
    const isAlone = [...repo.deployments.values()].every(
      (other) => other === deployment || other.environment !== deployment.environment,
    )
    if (isActive && !isAlone) {
      throw unprocessable(
        'We cannot delete an active deployment unless it is the only deployment in a given environment.',
      )
    }
    repo.deployments.delete(deployment.id)
    return noContent()
  }),
]

/** The deployment of the path; 404 when there is none. */
export function findDeployment(call: RepositoryCall): Deployment {
  const deployment = call.repo.deployments.get(numberParam(call, 'deployment_id'))
  if (!deployment) throw notFound()
  return deployment
}

async function createDeployment(call: ChangeCall) {
  const { hub, repo, account, app } = call
  const body = readBody(call, 'Deployment', createBody)
  const sha = await resolveCommit(repo.dir, body.ref)
  if (!sha) throw unprocessable(`No ref found for: ${body.ref}`)
  if (body.auto_merge && (await mergeDefault(call, body.ref, sha))) {
    return json({ message: `Auto-merged ${repo.defaultBranch} into ${body.ref} on deployment.` }, 202)
  }
  checkContexts(call, body, sha)
  const deployment: Deployment = {
    id: hub.state.nextId(),
    sha,
    ref: body.ref,
    task: body.task,
    payload: body.payload,
    environment: body.environment,
    isTransient: body.transient_environment,
    isProduction: body.production_environment ?? body.environment === 'production',
    description: body.description ?? null,
    creator: account,
    app,
    statuses: [],
    createdAtMs: hub.clock(),
  }
  repo.deployments.set(deployment.id, deployment)
  ensureEnvironment(hub, repo, body.environment)
  const shape = deploymentShape(hub, repo, deployment)
  emit(call, 'deployment', { action: 'created', deployment: shape, workflow: null, workflow_run: null })
  return json(shape, 201, { location: shape.url })
}

/** Brings a branch up to date with the default branch; true when there was something to bring. */
async function mergeDefault(call: ChangeCall, ref: string, sha: string): Promise<boolean> {
  const { repo } = call
  const main = await readRef(repo.dir, `refs/heads/${repo.defaultBranch}`)
  const isBranch = (await readRef(repo.dir, `refs/heads/${ref}`)) !== null
  if (!main || !isBranch || (await isAncestor(repo.dir, main, sha))) return false
  const message = `Merge branch '${repo.defaultBranch}' into ${ref}`
  const merged = await mergeIntoBranch(call, { branch: ref, into: sha, from: main, message })
  if (!merged) throw new GithubError(409, `Conflict merging ${repo.defaultBranch} into ${ref}`)
  return true
}

/** All statuses of the commit must be good, or those that the request names. */
function checkContexts({ repo }: ChangeCall, { ref, required_contexts: required }: CreateBody, sha: string): void {
  const latest = latestStatuses(repo, sha)
  const good = latest.filter(({ state }) => state === 'success').map(({ context }) => context)
  const wanted = required ?? latest.map(({ context }) => context)
  if (!wanted.every((context) => good.includes(context))) {
    throw new GithubError(409, `Conflict: Commit status checks failed for ${ref}.`)
  }
}
