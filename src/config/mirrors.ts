// The mirrors of an installation: where they are, and how they read the repositories of its forges.
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import type { Mirrors } from '../workspaces/mirrors.ts'
import { mirrorsFolder, openMirrors } from '../workspaces/mirrors.ts'
import type { Installation } from './configure.ts'

/** Opens them; nothing is fetched before something is checked out. */
export function mirrorsOf(environment: Environment, { forges }: Pick<Installation, 'forges'>, log: Log): Mirrors {
  return openMirrors({
    folder: mirrorsFolder(environment),
    maxBytes: environment.GIT_MIRRORS_MAX_MB * 1_000_000,
    remoteOf(repository) {
      const { forge, path } = forges.of(repository)
      return forge.gitRemote(path)
    },
    log,
  })
}
