// What was deployed before, as the forge has it: only deployments of our own count.
import type { DeploymentState } from '../../forges/deployments.ts'
import type { ReadForge } from '../../forges/forge.ts'
import type { Version } from './ref.ts'
import { short } from './ref.ts'

/** A deployment that ended well, or did once. */
export type Past = Version & { id: number }

/** What is said of a deployment that a person has gone back from; nobody goes back to it. */
export const ROLLED_BACK = 'Rolled back'

/** The keys of this agent's outputs about deployments: of what was asked for, and of going back. */
export const KEYS = { deploy: 'deploy', rollback: 'deploy-rollback' } as const

// As the publisher writes them.
const OURS = /^job=[^/]+\/deploy(?:-rollback)?$/

type Where = { forge: ReadForge; repository: string; environment: string }
type Said = { state: DeploymentState; description: string }

/** What is live: the newest deployment whose last status is success. */
export async function liveDeployment(where: Where): Promise<Past | null> {
  for await (const { past, last } of pastDeployments(where)) if (last?.state === 'success') return past
  return null
}

/**
 * What to go back to from `live`: the newest of another commit that was live before it, and that
 * nobody has gone back from.
 */
export async function deploymentBefore(where: Where, live: Past | null): Promise<Past | null> {
  for await (const { past, last, wasLive } of pastDeployments(where)) {
    if (live !== null && (past.id >= live.id || past.sha === live.sha)) continue
    if (wasLive && last !== null && !last.description.startsWith(ROLLED_BACK)) return past
  }
  return null
}

type Found = { past: Past; last: Said | null; wasLive: boolean }

/** Newest first, asking for the statuses of one after the other. */
async function* pastDeployments({ forge, repository, environment }: Where): AsyncGenerator<Found> {
  for (const { id, key, author, sha, description } of await forge.deployments(repository, { environment })) {
    const isOurs = key !== null && OURS.test(key)
    if (!isOurs || !(await forge.isOwn(repository, author))) continue
    const said: Said[] = []
    for (const status of await forge.deploymentStatuses(repository, id)) {
      if (await forge.isOwn(repository, status.author)) said.push(status)
    }
    const wasLive = said.some(({ state }) => state === 'success')
    yield { past: { id, sha, version: description || short(sha) }, last: said[0] ?? null, wasLive }
  }
}
