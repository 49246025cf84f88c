// The doctor on git: whether it is there, what the mirrors take, and which could not be fetched.
import { execa } from 'execa'
import type { Environment } from '../../lib/environment.ts'
import { errorText } from '../../lib/error.ts'
import { mirrorsFolder, mirrorsUsage } from '../../workspaces/mirrors.ts'
import { syncFailures } from '../../workspaces/sync-failures.ts'
import type { Cli } from '../terminal.ts'
import { count } from '../text.ts'
import type { Check } from './check.ts'
import { ok, warning } from './check.ts'

// The first that can be kept from reading the settings of its user.
const OLDEST_GIT = [2, 32] as const
const INSTALL = `Install Git ${OLDEST_GIT.join('.')} or newer: agents check out by it.`

/** Git itself, and the mirrors of repositories. */
export async function gitChecks({ folder }: Pick<Cli, 'folder'>, environment: Environment): Promise<Check[]> {
  const mirrors = mirrorsFolder(environment, folder)
  return [gitCheck(await gitVersion()), ...(await mirrorChecks(mirrors, environment.GIT_MIRRORS_MAX_MB))]
}

async function gitVersion(): Promise<string | null> {
  const { stdout } = await execa('git', ['--version'], { reject: false })
  return stdout || null
}

/** Whether this Git is new enough; `version` is what it says of itself, null when there is none. */
export function gitCheck(version: string | null): Check {
  const [, major, minor] = /^git version (\d{1,4})\.(\d{1,4})/.exec(version ?? '')?.map(Number) ?? []
  if (version === null || major === undefined || minor === undefined) return warning('Git', 'not found', INSTALL)
  const [oldest, oldestMinor] = OLDEST_GIT
  return major > oldest || (major === oldest && minor >= oldestMinor)
    ? ok('Git', version.replace(/^git version /, ''))
    : warning('Git', `${version} is too old`, INSTALL)
}

async function mirrorChecks(folder: string, maxMb: number): Promise<Check[]> {
  try {
    const { mirrors, bytes } = await mirrorsUsage(folder)
    const failures = await syncFailures(folder)
    const used = `${count(mirrors, 'mirror')}, ${Math.ceil(bytes / 1e6)} of ${maxMb} MB`
    return [
      ...(mirrors > 0 ? [ok('repositories', used)] : []),
      ...failures.map(({ name, problem, since }) =>
        warning(
          `sync of ${name}`,
          `failed at ${since.toISOString()}: ${problem}`,
          'Jobs go on with what is there; correct what Git says, or set GIT_SYNC_ENABLED=false.',
        ),
      ),
    ]
  } catch (error) {
    return [warning('repositories', errorText(error), 'Make GIT_MIRRORS_DIR readable for this account.')]
  }
}
