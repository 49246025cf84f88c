// Webhooks of a repository and their deliveries.
import { z } from 'zod'
import { readRef } from '../git.ts'
import { notFound, validationFailed } from '../github-error.ts'
import type { Hub } from '../hub.ts'
import { emitPush } from '../ref-changes.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { deliveryShape, hookConfigShape, hookShape } from '../shapes/hooks.ts'
import { repositoryShape } from '../shapes/repositories.ts'
import type { Hook } from '../state.ts'
import { findDelivery, pageDeliveries } from './deliveries.ts'
import { ZEN } from './meta.ts'

const HOOKS = '/repos/{owner}/{repo}/hooks'
const HOOK = `${HOOKS}/{hook_id}`

const configFields = {
  url: z.url(),
  content_type: z.enum(['json', 'form']).default('form'),
  secret: z.string().optional(),
  insecure_ssl: z.union([z.string(), z.number()]).transform(String).default('0'),
}
const config = z.object(configFields)
const events = z.array(z.string())
/** The body that makes a webhook. */
export const createBody = z.object({
  name: z.literal('web').optional(),
  config,
  events: events.default(['push']),
  active: z.boolean().default(true),
})
/** The body that changes one. */
export const updateBody = z.object({
  config: config.optional(),
  events: events.optional(),
  add_events: events.default([]),
  remove_events: events.default([]),
  active: z.boolean().optional(),
})

/** The fields of `PATCH …/config`, for repositories and Apps alike. */
export const configBody = z.object({
  url: configFields.url.optional(),
  content_type: z.enum(['json', 'form']).optional(),
  secret: configFields.secret,
  insecure_ssl: z.union([z.string(), z.number()]).transform(String).optional(),
})

/** https://docs.github.com/en/rest/repos/webhooks */
export const hookRoutes = [
  read(HOOKS, 'repository_hooks:read', (call) =>
    page(call, [...call.repo.hooks.values()], (hook) => hookShape(call.hub, call.repo, hook)),
  ),
  change('POST', HOOKS, { need: 'repository_hooks:write', role: 'admin' }, createHook),
  read(HOOK, 'repository_hooks:read', (call) => json(hookShape(call.hub, call.repo, find(call)))),
  change('PATCH', HOOK, { need: 'repository_hooks:write', role: 'admin' }, updateHook),
  change('DELETE', HOOK, { need: 'repository_hooks:write', role: 'admin' }, (call) =>
    done(call.repo.hooks.delete(find(call).id)),
  ),
  read(`${HOOK}/config`, 'repository_hooks:read', (call) => json(hookConfigShape(find(call)))),
  change('PATCH', `${HOOK}/config`, { need: 'repository_hooks:write', role: 'admin' }, (call) =>
    json(hookConfigShape(applyConfig(find(call), readBody(call, 'Hook', configBody)))),
  ),
  change('POST', `${HOOK}/pings`, { need: 'repository_hooks:write', role: 'admin' }, (call) =>
    done(ping(call, find(call))),
  ),
  change('POST', `${HOOK}/tests`, { need: 'repository_hooks:write', role: 'admin' }, testHook),
  read(`${HOOK}/deliveries`, 'repository_hooks:read', (call) => pageDeliveries(call, find(call))),
  read(`${HOOK}/deliveries/{delivery_id}`, 'repository_hooks:read', (call) =>
    json(deliveryShape(findDelivery(call, find(call)))),
  ),
  change(
    'POST',
    `${HOOK}/deliveries/{delivery_id}/attempts`,
    { need: 'repository_hooks:write', role: 'admin' },
    (call) => {
      call.hub.webhooks.redeliver(findDelivery(call, find(call)))
      return json({}, 202)
    },
  ),
]

function done(_: unknown) {
  return noContent()
}

function find(call: RepositoryCall): Hook {
  const hook = call.repo.hooks.get(numberParam(call, 'hook_id'))
  if (!hook) throw notFound()
  return hook
}

/** Changes these settings of a webhook and leaves the others. */
export function applyConfig(hook: Hook, given: z.infer<typeof configBody>): Hook {
  if (given.url !== undefined) hook.url = given.url
  if (given.content_type !== undefined) hook.contentType = given.content_type
  if (given.secret !== undefined) hook.secret = given.secret
  if (given.insecure_ssl !== undefined) hook.insecureSsl = given.insecure_ssl
  return hook
}

function createHook(call: ChangeCall) {
  const { hub, repo } = call
  const body = readBody(call, 'Hook', createBody)
  if ([...repo.hooks.values()].some((hook) => hook.url === body.config.url)) {
    throw validationFailed({ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' })
  }
  const hook = newHook(hub, body, { type: 'repository', id: repo.id })
  repo.hooks.set(hook.id, hook)
  ping(call, hook)
  const shape = hookShape(hub, repo, hook)
  return json(shape, 201, { location: shape.url })
}

/** A webhook as somebody asked for it. */
export function newHook(hub: Hub, body: z.infer<typeof createBody>, target: Hook['target']): Hook {
  const now = hub.clock()
  return {
    id: hub.state.nextId(),
    url: body.config.url,
    contentType: body.config.content_type,
    secret: body.config.secret || null,
    insecureSsl: body.config.insecure_ssl,
    events: body.events,
    active: body.active,
    lastResponse: { code: null, status: 'unused', message: null },
    target,
    createdAtMs: now,
    updatedAtMs: now,
  }
}

function updateHook(call: ChangeCall) {
  const hook = changeHook(call.hub, find(call), readBody(call, 'Hook', updateBody))
  return json(hookShape(call.hub, call.repo, hook))
}

/** Changes a webhook as somebody asked for it. */
export function changeHook(hub: Hub, hook: Hook, body: z.infer<typeof updateBody>): Hook {
  if (body.config) {
    // GitHub's own warning: a config without the secret removes the secret.
    hook.secret = null
    applyConfig(hook, body.config)
  }
  const kept = (body.events ?? hook.events).filter((event) => !body.remove_events.includes(event))
  hook.events = [...new Set([...kept, ...body.add_events])]
  if (body.active !== undefined) hook.active = body.active
  hook.updatedAtMs = hub.clock()
  return hook
}

function ping({ hub, repo, account }: ChangeCall, hook: Hook): void {
  hub.webhooks.send(hook, {
    event: 'ping',
    action: null,
    payload: {
      zen: ZEN,
      hook_id: hook.id,
      hook: hookShape(hub, repo, hook),
      repository: repositoryShape(hub, repo),
      sender: accountShape(hub, account),
    },
    installationId: null,
    repositoryId: repo.id,
  })
}

/** Sends the latest push to the default branch again, if the hook takes pushes. */
async function testHook(call: ChangeCall) {
  const hook = find(call)
  const { repo } = call
  const ref = `refs/heads/${repo.defaultBranch}`
  const head = await readRef(repo.dir, ref)
  if (head) await emitPush(call, { ref, before: head, after: head }, hook)
  return noContent()
}
