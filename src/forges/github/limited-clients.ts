// An App's client for one repository and a few permissions: its token is made for it, and revoked
// after it.
import type { Octokit } from 'octokit'
import type { Access } from '../access.ts'
import type { Clients, Repository } from './clients.ts'
import { statusOf } from './github-failure.ts'

/** The clients, what they may do, and the end of it. */
export type LimitedClients = { clients: Clients; access: Access; close(): Promise<void> }

type Making = {
  app: Octokit
  octokit: (auth: object) => Octokit
  at: Repository
  access: Access
  installationId: number | undefined
  account: Clients['account']
}

/** Finds what of the access the installation has. The token is made when it is first needed. */
export async function limitedClients({ app, octokit, at, installationId, ...making }: Making): Promise<LimitedClients> {
  const { owner, repo } = at
  const { data: installation } =
    installationId === undefined
      ? await app.rest.apps.getRepoInstallation({ owner, repo })
      : await app.rest.apps.getInstallation({ installation_id: installationId })
  const access = grantedOf(making.access, installation.permissions)
  let client: Octokit | undefined
  const open = async () => {
    const { data } = await app.rest.apps.createInstallationAccessToken({
      installation_id: installation.id,
      repositories: [repo],
      permissions: access,
    })
    client = octokit({ auth: data.token })
    return client
  }
  const clients: Clients = {
    of: async () => client ?? open(),
    ofAccount: async () => client ?? open(),
    asApp: () => null,
    mayRenew: (error) => statusOf(error) === 401,
    forget: () => {
      client = undefined
    },
    account: making.account,
    limited: async () => null,
  }
  return {
    clients,
    access,
    async close() {
      await client?.rest.apps.revokeInstallationAccessToken()
      client = undefined
    },
  }
}

/** GitHub refuses to make a token with more than the installation has. */
function grantedOf(wanted: Access, installed: Readonly<Record<string, unknown>>): Access {
  const granted = Object.entries(wanted).flatMap(([name, level]) => {
    const has = installed[name]
    return has === undefined ? [] : [[name, has === 'read' ? 'read' : level]]
  })
  return { ...Object.fromEntries(granted), metadata: 'read' }
}
