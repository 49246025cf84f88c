// Hands an event to every webhook that asked for it: the repository's own, those of its
// organisation and those of installed Apps.
import type { Hub } from './hub.ts'
import { accountShape } from './shapes/accounts.ts'
import { nodeId } from './shapes/node-id.ts'
import { repositoryShape } from './shapes/repositories.ts'
import { organizationShape } from './shapes/teams.ts'
import type { Account, Hook, Installation, Repository } from './state.ts'

/** Who changes a repository; every call of a route that changes one is an `Actor`. */
export type Actor = {
  hub: Hub
  repo: Repository
  account: Account
}

/** An event with its whole payload, before an installation is added to it. */
type Emitted = {
  event: string
  payload: Record<string, unknown>
  repo: Repository
}

// What webhooks of repositories cannot ask for, not even with `*`.
const APP_EVENTS = ['repository_dispatch', 'workflow_dispatch']

/**
 * Emits an event about a repository; `payload.action` is the action, if the event has any. With
 * `only`, just that webhook is notified.
 */
export function emit(
  { hub, repo, account }: Actor,
  event: string,
  payload: Record<string, unknown>,
  only?: Hook,
): void {
  const whole = {
    ...payload,
    repository: { ...repositoryShape(hub, repo), ...(payload.repository as object | undefined) },
    ...(repo.owner.type === 'Organization' && { organization: organizationShape(hub, repo.owner) }),
    sender: accountShape(hub, account),
  }
  const emitted = { event, payload: whole, repo }
  const own = APP_EVENTS.includes(event) ? [] : [...repo.hooks.values(), ...repo.owner.hooks.values()]
  const hooks = only ? [only] : own
  for (const hook of hooks) sendTo(hub, hook, emitted, null)
  if (only) return
  for (const installation of hub.state.installations.values()) {
    const { app } = installation
    if (app.hook && covers(installation, repo)) sendTo(hub, app.hook, emitted, installation)
  }
}

/** True when some webhook asked for the event: a payload costs several git calls. */
export function isHeard(hub: Hub, repo: Repository, event: string): boolean {
  const apps = [...hub.state.installations.values()].filter((each) => covers(each, repo)).map(({ app }) => app.hook)
  return [...repo.hooks.values(), ...repo.owner.hooks.values(), ...apps].some(
    (hook) => hook !== null && wants(hook, event),
  )
}

function wants(hook: Hook, event: string): boolean {
  return hook.active && (hook.events.includes(event) || hook.events.includes('*'))
}

/** True when an installation reaches the repository. */
export function covers(installation: Installation, repo: Repository): boolean {
  if (installation.account.id !== repo.owner.id) return false
  return installation.repositoryIds?.has(repo.id) ?? true
}

function sendTo(hub: Hub, hook: Hook, { event, payload, repo }: Emitted, installation: Installation | null): void {
  if (!wants(hook, event)) return
  const extra = installation && {
    installation: { id: installation.id, node_id: nodeId('Installation', installation.id) },
  }
  hub.webhooks.send(hook, {
    event,
    action: typeof payload.action === 'string' ? payload.action : null,
    payload: structuredClone({ ...payload, ...extra }),
    installationId: installation?.id ?? null,
    repositoryId: repo.id,
  })
}
