// The agent that looks whether the files in repositories are what was deployed last.
import { z } from 'zod'
import type { DeploymentDesk } from '../../deployments/desk.ts'
import type { Documented, WrittenFile } from '../../deployments/documented.ts'
import type { ReadForge } from '../../forges/forge.ts'
import { GiveUp, Skipped } from '../../lib/error.ts'
import type { Output } from '../../publisher/output.ts'
import type { Agent, AgentContext, AgentResult } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import type { Difference } from './compare.ts'
import { compareFiles } from './compare.ts'
import type { Found } from './report.ts'
import { reportBody } from './report.ts'
import type { Scope } from './scope.ts'
import { scopeOf } from './scope.ts'

const MAX_RESULTS = 200

/** What became of one deployment's file. */
type Looked = {
  deployment_id: string
  project_id: string
  app_name: string
  environment: string
  repository: string | null
  path: string | null
  /** `pending`: its pull request is open; `unknown`: there is no file to compare with. */
  state: 'same' | 'drifted' | 'pending' | 'unknown'
  /** How the file differs; null unless it has drifted. */
  file: Difference['file'] | null
}

const input = z.looseObject({
  project: z.string().optional(),
  app: z.string().optional(),
  environment: z.string().optional(),
})

/**
 * Compares the file at the head of its branch with what was deployed last, for the deployments that
 * a push or a closed pull request is about, or by hand for all. A difference is the event
 * `deployment.drifted`, and a comment on the commit or the pull request.
 */
export function deploymentDrift(desk: DeploymentDesk | null): Agent {
  const agent = defineAgent({
    name: 'deployment-drift',
    description: 'Says where a file in a repository is not what was deployed last.',
    input: input.nullish(),
    async run(context) {
      if (desk === null) throw new GiveUp('Only the service has the record of deployments.')
      const { event, payload } = context
      const scope = scopeOf(event, payload, context.input ?? {})
      if ('skipped' in scope) throw new Skipped(scope.skipped)
      return look(context, { desk, forge: context.forge, scope })
    },
  })
  return { ...agent, runsIn: 'service' }
}

type Parts = { desk: DeploymentDesk; forge: ReadForge | null; scope: Exclude<Scope, { skipped: string }> }

async function look(
  { job, log }: Pick<AgentContext<unknown>, 'job' | 'log'>,
  { desk, forge, scope }: Parts,
): Promise<AgentResult> {
  const looked: Looked[] = []
  const found: Found[] = []
  for (const deployment of await desk.documented(scope.filter)) {
    const one = await lookAt(deployment, { desk, forge, scope })
    if (one === null) continue
    looked.push(one.looked)
    if (one.drift === null) continue
    log(`${one.looked.path} of ${one.looked.repository} is not what ${deployment.deploymentId} deployed.`)
    const isOurs = await desk.drifted(
      { ...eventData(one.drift), projectId: deployment.projectId, blob: one.drift.difference.blob },
      job.id,
    )
    if (isOurs) found.push(one.drift)
  }
  // The end of a job is an event, which nobody wants of every push.
  if (scope.target !== null && looked.length === 0) throw new Skipped('It is about no file of a deployment.')
  const drifted = looked.filter(({ state }) => state === 'drifted').length
  return {
    outputs: commentOf(scope, found),
    result: { checked: looked.length, drifted, files: looked.slice(0, MAX_RESULTS) },
  }
}

function commentOf({ filter, target }: Parts['scope'], found: readonly Found[]): Output[] {
  const { repository } = filter
  if (target === null || repository === undefined || found.length === 0) return []
  return [{ kind: 'comment', key: 'drift', repository, target, body: reportBody(found) }]
}

/** Null where the event has nothing to do with the deployment's file. */
async function lookAt(
  deployment: Documented,
  { desk, forge, scope }: Parts,
): Promise<{ looked: Looked; drift: Found | null } | null> {
  const { written } = deployment
  const file = written && (await desk.file(written.outputId))
  const state = (state: Looked['state']) => ({ looked: lookedAt(deployment, file, state), drift: null })
  if (!isMeant(scope, file)) return null
  if (written === null || file === null) return state(deployment.isGoingOn ? 'pending' : 'unknown')
  if (forge === null) throw new GiveUp('No forge is set up: set GITHUB_TOKEN.')
  const { repository } = written
  const branch = file.base ?? (await forge.defaultBranch(repository))
  const compared = compareFiles(file.content, await forge.readFile(repository, file.path, branch))
  if (compared === 'same' || compared === 'unknown') return state(compared)
  // Asked only now, because most files are the same. While it is open, the difference is its own.
  if (deployment.isGoingOn || (await isOpen(forge, written))) return state('pending')
  const commit = await forge.branchSha(repository, branch)
  const drift = { deployment, repository, path: file.path, branch, commit, difference: compared }
  return { looked: { ...lookedAt(deployment, file, 'drifted'), file: compared.file }, drift }
}

/** Whether a push was to the branch that the file is for, and touched it. */
function isMeant({ push }: Parts['scope'], file: WrittenFile | null): boolean {
  if (push === null) return true
  return file !== null && (file.base ?? push.defaultBranch) === push.branch && push.touched?.has(file.path) !== false
}

async function isOpen(forge: ReadForge, { repository, pullRequest }: NonNullable<Documented['written']>) {
  return pullRequest !== null && (await forge.pullRequest(repository, pullRequest)).state === 'open'
}

function lookedAt(deployment: Documented, file: WrittenFile | null, state: Looked['state']): Looked {
  const { deploymentId, projectId, appName, environment, written } = deployment
  return {
    deployment_id: deploymentId,
    project_id: projectId,
    app_name: appName,
    environment,
    repository: written?.repository ?? null,
    path: file?.path ?? null,
    state,
    file: null,
  }
}

function eventData({ deployment, repository, path, branch, commit, difference }: Found) {
  return {
    deployment_id: deployment.deploymentId,
    app_name: deployment.appName,
    environment: deployment.environment,
    sequence: deployment.sequence,
    repository,
    branch,
    path,
    commit,
    file: difference.file,
    file_config_sha256: difference.sha256,
    config_diff: difference.diff,
  }
}
