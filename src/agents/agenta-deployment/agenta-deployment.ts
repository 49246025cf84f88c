// The agent that makes deployments of what Agenta reports: its events have references only, which
// are resolved through its API.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { DeploymentDesk } from '../../deployments/desk.ts'
import { AppError, GiveUp } from '../../lib/error.ts'
import type { Agent, AgentContext } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import type { AgentaApi, AgentaNamed } from './agenta-api.ts'
import type { Change, Committed, Reference } from './committed.ts'
import { readCommitted } from './committed.ts'

// Agenta answers the same for what it does not know and for what it failed to look up.
const LOOKS = 3

/** What it works with; null outside of the service. */
export type AgentaParts = { api: AgentaApi | null; desk: Pick<DeploymentDesk, 'record'> | null }

/**
 * Records a deployment for every application that a commit of an Agenta environment changed, each
 * once. It runs in the service, because the key of Agenta's API is not for agents' processes.
 */
export function agentaDeployment({ api, desk }: AgentaParts): Agent {
  const agent = defineAgent({
    name: 'agenta-deployment',
    description: 'Resolves what Agenta reports as deployed, and records it as a deployment.',
    input: z.looseObject({}),
    async run(context) {
      if (api === null) throw new GiveUp('Set AGENTA_API_URL and AGENTA_API_KEY, and retry the job.')
      if (desk === null) throw new GiveUp('Only the service can record deployments.')
      const committed = readCommitted(context.payload)
      if (committed === null)
        throw new GiveUp("The event is no commit of an environment in the form that Agenta's have.")
      const deployments: Record<string, string> = {}
      for (const change of committed.changes) {
        const said = await context.step(`deploy ${change.key}`, () => deploy(context, { api, desk }, committed, change))
        context.log(`${change.key}: ${said}`)
        deployments[change.key] = said
      }
      return { result: { deployments, removed: committed.removed } }
    },
  })
  return { ...agent, runsIn: 'service' }
}

type Parts = { api: AgentaApi; desk: Pick<DeploymentDesk, 'record'> }

/** Returns the deployment's id, or why there is none. */
async function deploy(
  { job, signal }: Pick<AgentContext<unknown>, 'job' | 'signal'>,
  { api, desk }: Parts,
  committed: Committed,
  change: Change,
): Promise<string> {
  const found = async <Found>(what: string, id: string | null | undefined, ask: () => Promise<Found | null>) =>
    (await ask()) ?? unknown(what, id, job.attempt)
  const { key } = change
  const revisionId = requireId(change.revision, 'application_revision', key)
  const revision = await found('application revision', revisionId, () => api.revision(revisionId, signal))
  const named = async (what: string, { id, slug }: Reference, ask: (id: string) => Promise<AgentaNamed | null>) =>
    slug ?? nameOf(await found(what, id, () => ask(requireId({ id }, what, key))))
  const application = { ...change.application, id: change.application.id ?? revision.applicationId }
  const variant = { ...change.variant, id: change.variant.id ?? revision.variantId }
  if (revision.parameters === null) {
    throw new GiveUp(`Agenta's revision ${revisionId} of ${key} has no parameters, which are the configuration.`)
  }
  const version = revision.version ?? change.revision.version
  const request = {
    project_id: committed.projectId,
    app_name: await named('application', application, (id) => api.application(id, signal)),
    variant_name: await named('application variant', variant, (id) => api.variant(id, signal)),
    variant_id: variant.id ?? null,
    environment: committed.environment.slug ?? noSlug(committed.environment),
    revision: /^\d{1,9}$/.test(version ?? '') ? Number(version) : null,
    config: revision.parameters,
    commit_message: committed.message ?? revision.message,
    deployed_by: committed.by ?? 'agenta',
  }
  return record(desk, request, { ...placeOf(committed, application), jobId: job.id })
}

async function record(
  desk: Parts['desk'],
  request: object,
  place: { series: string; version: string; jobId: string },
): Promise<string> {
  try {
    const recorded = await desk.record(request, place)
    return 'id' in recorded ? recorded.id : `Nothing, because version ${recorded.newer} of the environment is recorded.`
  } catch (error) {
    // The same request would be refused again.
    if (error instanceof AppError && (error.code === 'input_invalid' || error.code === 'conflict')) {
      throw new GiveUp(`It cannot be recorded: ${error.detail}`)
    }
    throw error
  }
}

/** Which commit of which environment it is: what makes it one deployment, and orders them. */
function placeOf(committed: Committed, application: Reference): { series: string; version: string } {
  const { environment, projectId, eventId, version } = committed
  const of = JSON.stringify([projectId, environment.id ?? environment.slug, application.id ?? application.slug])
  return {
    series: `agenta:${createHash('sha256').update(of).digest('hex').slice(0, 32)}`,
    version: /^\d{1,9}$/.test(version ?? '') ? (version ?? '') : createHash('sha256').update(eventId).digest('hex'),
  }
}

function requireId({ id }: Reference, what: string, key: string): string {
  if (id) return id
  throw new GiveUp(`The event has no id of the ${what} of ${key}.`)
}

function nameOf({ slug, name, id }: AgentaNamed): string {
  return slug ?? name ?? id
}

function noSlug({ id }: Reference): never {
  throw new GiveUp(`The event has no slug of the environment ${id ?? ''}: its name is not known.`)
}

function unknown(what: string, id: string | null | undefined, attempt: number): never {
  const sentence = `Agenta knows no ${what} ${id ?? ''}: is AGENTA_API_KEY a key of that project, and is it still there?`
  throw attempt < LOOKS ? new Error(sentence) : new GiveUp(sentence)
}
