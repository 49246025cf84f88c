// Every route of the fake; a new family is a file beside this one and a line here.
import type { Route } from '../route.ts'
import { appRoutes } from './apps.ts'
import { assigneeRoutes } from './assignees.ts'
import { checkRoutes } from './checks.ts'
import { commentRoutes } from './comments.ts'
import { commitCommentRoutes } from './commit-comments.ts'
import { commitRoutes } from './commits.ts'
import { compareRoutes } from './compare.ts'
import { contentRoutes } from './contents.ts'
import { deploymentStatusRoutes } from './deployment-statuses.ts'
import { deploymentRoutes } from './deployments.ts'
import { dispatchRoutes } from './dispatches.ts'
import { environmentRoutes } from './environments.ts'
import { gitDataRoutes } from './git-data.ts'
import { graphqlRoutes } from './graphql.ts'
import { hookRoutes } from './hooks.ts'
import { installationRoutes } from './installations.ts'
import { issueRoutes } from './issues.ts'
import { labelRoutes } from './labels.ts'
import { lockRoutes } from './locks.ts'
import { mergeRoutes } from './merges.ts'
import { metaRoutes } from './meta.ts'
import { milestoneRoutes } from './milestones.ts'
import { organizationHookRoutes } from './organization-hooks.ts'
import { protectionRoutes } from './protection.ts'
import { pullRoutes } from './pulls.ts'
import { reactionRoutes } from './reactions.ts'
import { refRoutes } from './refs.ts'
import { releaseRoutes } from './releases.ts'
import { repositoryRoutes } from './repositories.ts'
import { repositoryFactRoutes } from './repository-facts.ts'
import { repositoryListRoutes } from './repository-lists.ts'
import { reviewCommentRoutes } from './review-comments.ts'
import { reviewRequestRoutes } from './review-requests.ts'
import { reviewRoutes } from './reviews.ts'
import { statusRoutes } from './statuses.ts'
import { teamRoutes } from './teams.ts'
import { userRoutes } from './users.ts'

/**
 * In the order they are tried: what is below `commits/{ref}` and `branches/{branch}` must come
 * before these, whose names may contain slashes.
 */
export const routes: Route[] = [
  ...metaRoutes,
  ...userRoutes,
  ...graphqlRoutes,
  ...appRoutes,
  ...installationRoutes,
  ...teamRoutes,
  ...organizationHookRoutes,
  ...repositoryRoutes,
  ...repositoryFactRoutes,
  ...repositoryListRoutes,
  ...refRoutes,
  ...gitDataRoutes,
  ...contentRoutes,
  ...compareRoutes,
  ...commitCommentRoutes,
  ...statusRoutes,
  ...checkRoutes,
  ...protectionRoutes,
  ...reviewCommentRoutes,
  ...pullRoutes,
  ...reviewRequestRoutes,
  ...reviewRoutes,
  ...mergeRoutes,
  ...commitRoutes,
  ...commentRoutes,
  ...labelRoutes,
  ...issueRoutes,
  ...assigneeRoutes,
  ...lockRoutes,
  ...milestoneRoutes,
  ...reactionRoutes,
  ...deploymentRoutes,
  ...deploymentStatusRoutes,
  ...environmentRoutes,
  ...dispatchRoutes,
  ...hookRoutes,
  ...releaseRoutes,
]
