// GitHub as a forge.
import type { WriteForge } from '../forge.ts'
import { checks } from './checks.ts'
import { comments } from './comments.ts'
import type { GithubConnection, GithubOptions } from './connection.ts'
import { connect } from './connection.ts'
import { deployments } from './deployments.ts'
import { dispatches } from './dispatches.ts'
import { gitData } from './git-data.ts'
import { gitRemotes } from './git-remote.ts'
import { issues } from './issues.ts'
import { labels } from './labels.ts'
import { people } from './people.ts'
import { pullRequests } from './pull-requests.ts'
import { reactions } from './reactions.ts'
import { repositories } from './repositories.ts'
import { reviewThreads } from './review-threads.ts'
import { reviews } from './reviews.ts'

/**
 * A forge that writes to GitHub as `auth`; agents get what `readOnly` makes of it. Nothing is
 * connected until the first call.
 */
export function github(options: GithubOptions): WriteForge {
  return overConnection(connect(options))
}

function overConnection(connection: GithubConnection): WriteForge {
  return {
    account: () => connection.account(),
    async isOwn(_, author) {
      const account = await connection.account()
      // GitHub does not say whose an installation's token is, but gives no person such a name.
      if (account === null) return author?.endsWith('[bot]') ?? false
      return author?.toLowerCase() === account.toLowerCase()
    },
    guarded: (guard) => overConnection(connection.guarded(guard)),
    async limited(repository, access) {
      const limited = await connection.limited(repository, access)
      return { forge: overConnection(limited.connection), access: limited.access, close: limited.close }
    },
    // GitHub's own limit is 65,536.
    maxBodyChars: 65_000,
    ...repositories(connection),
    ...gitData(connection),
    ...gitRemotes(connection),
    ...pullRequests(connection),
    ...people(connection),
    ...labels(connection),
    ...comments(connection),
    ...dispatches(connection),
    ...reactions(connection),
    ...issues(connection),
    ...reviews(connection),
    ...reviewThreads(connection),
    ...checks(connection),
    ...deployments(connection),
  }
}
