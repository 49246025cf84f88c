// Who may do what: https://docs.github.com/en/rest/collaborators/collaborators and
// https://docs.github.com/en/rest/teams/members
import type { Permission } from '../../lib/permission.ts'
import { LEVELS } from '../../lib/permission.ts'
import type { WriteForge } from '../forge.ts'
import type { GithubConnection } from './connection.ts'
import { nullOn } from './null-on.ts'

/** See `ReadForge`. */
export function people({ withClient }: GithubConnection): Pick<WriteForge, 'permission' | 'isTeamMember'> {
  return {
    permission: (repository, username) =>
      withClient(repository, async (octokit, at) => {
        const answer = await nullOn([404], () => octokit.rest.repos.getCollaboratorPermissionLevel({ ...at, username }))
        // A role of the organisation's own has a name of its own, and is based on `permission`.
        return toPermission(answer?.data.role_name) ?? toPermission(answer?.data.permission) ?? 'none'
      }),

    isTeamMember: (repository, team, username) =>
      withClient(repository, async (octokit, at) => {
        const [org = '', team_slug = ''] = team.split('/')
        const { request } = at
        const answer = await nullOn([403, 404], () =>
          octokit.rest.teams.getMembershipForUserInOrg({ org, team_slug, username, ...(request && { request }) }),
        )
        // One who was invited is `pending`.
        return answer?.data.state === 'active'
      }),
  }
}

function toPermission(name: string | undefined): Permission | undefined {
  return LEVELS.find((level) => level === name)
}
