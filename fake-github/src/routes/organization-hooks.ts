// Webhooks of an organisation and their deliveries.
import type { z } from 'zod'
import { accountOf, grants, notAccessible } from '../access.ts'
import { GithubError, notFound, validationFailed } from '../github-error.ts'
import type { Hub } from '../hub.ts'
import type { Call, Reply } from '../route.ts'
import { json, noContent, numberParam, page, readBody, route } from '../route.ts'
import { accountShape } from '../shapes/accounts.ts'
import { deliveryShape, hookConfigShape, organizationHookShape } from '../shapes/hooks.ts'
import { organizationShape } from '../shapes/teams.ts'
import type { Account, Hook, Token } from '../state.ts'
import { accountKey } from '../state.ts'
import { findDelivery, pageDeliveries } from './deliveries.ts'
import { applyConfig, changeHook, configBody, createBody, newHook, updateBody } from './hooks.ts'
import { ZEN } from './meta.ts'
import { findOrganization } from './teams.ts'

const HOOKS = '/orgs/{org}/hooks'
const HOOK = `${HOOKS}/{hook_id}`

/** https://docs.github.com/en/rest/orgs/webhooks */
export const organizationHookRoutes = [
  ownerRoute('GET', HOOKS, (call, org) =>
    page(call, [...org.hooks.values()], (hook) => organizationHookShape(call.hub, org, hook)),
  ),
  ownerRoute('POST', HOOKS, (call, org) => {
    const body = readBody(call, 'Hook', createBody)
    if ([...org.hooks.values()].some((hook) => hook.url === body.config.url)) {
      const message = 'Hook already exists on this organization'
      throw validationFailed({ resource: 'Hook', code: 'custom', message })
    }
    const shape = organizationHookShape(call.hub, org, addOrganizationHook(call.hub, org, body))
    return json(shape, 201, { location: shape.url })
  }),
  ownerRoute('GET', HOOK, (call, org) => json(organizationHookShape(call.hub, org, find(call, org)))),
  ownerRoute('PATCH', HOOK, (call, org) => {
    const hook = changeHook(call.hub, find(call, org), readBody(call, 'Hook', updateBody))
    return json(organizationHookShape(call.hub, org, hook))
  }),
  ownerRoute('DELETE', HOOK, (call, org) => {
    org.hooks.delete(find(call, org).id)
    return noContent()
  }),
  ownerRoute('GET', `${HOOK}/config`, (call, org) => json(hookConfigShape(find(call, org)))),
  ownerRoute('PATCH', `${HOOK}/config`, (call, org) =>
    json(hookConfigShape(applyConfig(find(call, org), readBody(call, 'Hook', configBody)))),
  ),
  ownerRoute('POST', `${HOOK}/pings`, (call, org) => {
    ping(call.hub, org, find(call, org))
    return noContent()
  }),
  ownerRoute('GET', `${HOOK}/deliveries`, (call, org) => pageDeliveries(call, find(call, org))),
  ownerRoute('GET', `${HOOK}/deliveries/{delivery_id}`, (call, org) =>
    json(deliveryShape(findDelivery(call, find(call, org)))),
  ),
  ownerRoute('POST', `${HOOK}/deliveries/{delivery_id}/attempts`, (call, org) => {
    call.hub.webhooks.redeliver(findDelivery(call, find(call, org)))
    return json({}, 202)
  }),
]

/** Adds a webhook to an organisation, and sends its ping. */
export function addOrganizationHook(hub: Hub, org: Account, body: z.infer<typeof createBody>): Hook {
  const hook = newHook(hub, body, { type: 'organization', id: org.id })
  org.hooks.set(hook.id, hook)
  ping(hub, org, hook)
  return hook
}

function find(call: Call, org: Account): Hook {
  const hook = org.hooks.get(numberParam(call, 'hook_id'))
  if (!hook) throw notFound()
  return hook
}

function ping(hub: Hub, org: Account, hook: Hook): void {
  const payload = {
    zen: ZEN,
    hook_id: hook.id,
    hook: organizationHookShape(hub, org, hook),
    organization: organizationShape(hub, org),
    sender: accountShape(hub, org),
  }
  hub.webhooks.send(hook, { event: 'ping', action: null, payload, installationId: null, repositoryId: null })
}

/** A route for the organisation's owners and its Apps; to others GitHub shows nothing. */
function ownerRoute(method: string, path: string, handle: (call: Call, org: Account) => Reply | Promise<Reply>) {
  return route(method, path, (call) => {
    const org = findOrganization(call.hub, call.params.org)
    const { credentials } = call
    const account = accountOf(credentials)
    if (!account) throw new GithubError(401, 'Requires authentication')
    if (credentials.kind === 'app') throw new GithubError(403, 'Resource not accessible by integration')
    if (credentials.kind === 'token') authorizeToken(credentials.token, org, method === 'GET' ? 'read' : 'write')
    const isApp = credentials.kind === 'token' && credentials.token.installation !== null
    const isOwner = account === org || org.members.get(accountKey(account.login)) === 'admin'
    if (!isApp && !isOwner) throw notFound()
    return handle(call, org)
  })
}

function authorizeToken(token: Token, org: Account, level: 'read' | 'write'): void {
  const { permissions, installation, scopes } = token
  if (installation && installation.account !== org) throw notFound()
  if (permissions === null) {
    if (!scopes.includes('admin:org_hook')) throw notFound()
  } else if (!grants(permissions, 'organization_hooks', level)) throw notAccessible(token)
}
