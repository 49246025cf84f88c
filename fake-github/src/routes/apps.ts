// A GitHub App speaking for itself: its installations, tokens and webhook.
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { covers } from '../events.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import { isoTime } from '../hub.ts'
import type { Call } from '../route.ts'
import { json, numberParam, page, readBody, route } from '../route.ts'
import { appShape, installationShape, selectionOf, withMetadata } from '../shapes/accounts.ts'
import { deliveryShape, hookConfigShape } from '../shapes/hooks.ts'
import { repositoryShape } from '../shapes/repositories.ts'
import type { App, Hook, Installation, Permissions, Repository, Token } from '../state.ts'
import { accountKey, repositoryKey } from '../state.ts'
import { findDelivery, pageDeliveries } from './deliveries.ts'
import { applyConfig, configBody } from './hooks.ts'

const TOKEN_LIFE_MS = 3_600_000
const LEVELS = ['read', 'write', 'admin'] as const
const tokenBody = z.object({
  repositories: z.array(z.string()).optional(),
  repository_ids: z.array(z.number().int()).optional(),
  permissions: z.record(z.string(), z.enum(LEVELS)).optional(),
})

/** https://docs.github.com/en/rest/apps/apps and /webhooks */
export const appRoutes = [
  // Whoever has the code is the program that asked; it is good once.
  route('POST', '/app-manifests/{code}/conversions', ({ hub, params }) => {
    const code = params.code ?? ''
    const app = hub.state.manifests.get(code)
    if (!app) throw notFound()
    hub.state.manifests.delete(code)
    const secrets = { client_secret: randomBytes(20).toString('hex'), webhook_secret: app.hook?.secret ?? null }
    return json({ ...appShape(hub, app), ...secrets, pem: app.privateKeyPem }, 201)
  }),
  asApp('GET', '/app', ({ hub, app }) =>
    json({ ...appShape(hub, app), installations_count: installationsOf(hub.state.installations, app).length }),
  ),
  asApp('GET', '/app/hook/config', ({ app }) => json(hookConfigShape(hookOf(app)))),
  asApp('PATCH', '/app/hook/config', (call) =>
    json(hookConfigShape(applyConfig(hookOf(call.app), readBody(call, 'Hook', configBody)))),
  ),
  asApp('GET', '/app/hook/deliveries', (call) => pageDeliveries(call, hookOf(call.app))),
  asApp('GET', '/app/hook/deliveries/{delivery_id}', (call) =>
    json(deliveryShape(findDelivery(call, hookOf(call.app)))),
  ),
  asApp('POST', '/app/hook/deliveries/{delivery_id}/attempts', (call) => {
    call.hub.webhooks.redeliver(findDelivery(call, hookOf(call.app)))
    return json({}, 202)
  }),
  asApp('GET', '/app/installations', (call) =>
    page(call, installationsOf(call.hub.state.installations, call.app), (each) => installationShape(call.hub, each)),
  ),
  asApp('GET', '/app/installations/{installation_id}', (call) => json(installationShape(call.hub, find(call)))),
  asApp('POST', '/app/installations/{installation_id}/access_tokens', createToken),
  asApp('GET', '/repos/{owner}/{repo}/installation', (call) => {
    const repo = call.hub.state.repositories.get(repositoryKey(call.params.owner ?? '', call.params.repo ?? ''))
    return found(call, (installation) => repo !== undefined && covers(installation, repo))
  }),
  asApp('GET', '/users/{username}/installation', byAccount('username')),
  asApp('GET', '/orgs/{org}/installation', byAccount('org')),
]

type AppCall = Call & {
  app: App
}

function asApp(
  method: string,
  path: string,
  handle: (call: AppCall) => ReturnType<typeof json> | Promise<ReturnType<typeof json>>,
) {
  return route(method, path, (call) => {
    if (call.credentials.kind !== 'app') throw new GithubError(401, 'A JSON web token could not be decoded')
    return handle({ ...call, app: call.credentials.app })
  })
}

function hookOf({ hook }: App): Hook {
  if (!hook) throw notFound()
  return hook
}

function installationsOf(all: Map<number, Installation>, app: App): Installation[] {
  return [...all.values()].filter((installation) => installation.app === app)
}

function find(call: AppCall): Installation {
  const installation = call.hub.state.installations.get(numberParam(call, 'installation_id'))
  if (installation?.app !== call.app) throw notFound()
  return installation
}

function found(call: AppCall, matches: (installation: Installation) => boolean) {
  const installation = installationsOf(call.hub.state.installations, call.app).find(matches)
  if (!installation) throw notFound()
  return json(installationShape(call.hub, installation))
}

function byAccount(param: string) {
  return (call: AppCall) =>
    found(call, ({ account }) => accountKey(account.login) === accountKey(call.params[param] ?? ''))
}

function createToken(call: AppCall) {
  const { hub } = call
  const installation = find(call)
  const body = readBody(call, 'AccessToken', tokenBody)
  const chosen = chooseRepositories([...hub.state.repositories.values()], installation, body)
  const permissions = choosePermissions(installation, body.permissions)
  const token: Token = {
    value: `ghs_${randomBytes(18).toString('hex')}`,
    account: installation.app.bot,
    scopes: [],
    permissions,
    installation,
    repositoryIds: chosen && new Set(chosen.map(({ id }) => id)),
    expiresAtMs: hub.clock() + TOKEN_LIFE_MS,
    revoked: false,
    used: 0,
  }
  hub.state.tokens.set(token.value, token)
  return json(
    {
      token: token.value,
      expires_at: isoTime(token.expiresAtMs ?? 0),
      permissions: withMetadata(permissions),
      repository_selection: selectionOf(token.repositoryIds ?? installation.repositoryIds),
      ...(chosen && { repositories: chosen.map((repo) => repositoryShape(hub, repo)) }),
    },
    201,
  )
}

function chooseRepositories(
  all: Repository[],
  installation: Installation,
  { repositories, repository_ids: ids }: z.infer<typeof tokenBody>,
): Repository[] | null {
  if (!repositories && !ids) return null
  const within = all.filter((repo) => covers(installation, repo))
  const wanted = [
    ...(repositories ?? []).map((name) => within.find((repo) => repo.name.toLowerCase() === name.toLowerCase())),
    ...(ids ?? []).map((id) => within.find((repo) => repo.id === id)),
  ]
  if (wanted.includes(undefined)) {
    throw unprocessable(
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  }
  return wanted.filter((repo) => repo !== undefined)
}

function choosePermissions({ app }: Installation, wanted: Permissions | undefined): Permissions {
  const granted = withMetadata(app.permissions)
  for (const [name, level] of Object.entries(wanted ?? {})) {
    const has = granted[name]
    if (has === undefined || LEVELS.indexOf(level) > LEVELS.indexOf(has)) {
      throw unprocessable('The permissions requested are not granted to this installation.')
    }
  }
  return wanted ?? granted
}
