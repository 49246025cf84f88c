// Keeping the folder of the configuration current: the scripts that `command` agents run are pulled
// before they are needed.
import { execa } from 'execa'
import { errorText } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'

const PULL_LIMIT_MS = 30_000
// What git, ssh and a proxy need. The rest of this process's environment holds secrets, and hooks
// and helpers of the checkout run with what git gets.
const PASSED_ON =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|SSH_AUTH_SOCK|XDG_CONFIG_HOME|SSL_CERT_(FILE|DIR)|GIT_\w+|(https?|all|no)_proxy)$/i

function gitEnvironment(): NodeJS.ProcessEnv {
  const passedOn = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))
  return { ...Object.fromEntries(passedOn), GIT_TERMINAL_PROMPT: '0' }
}

/**
 * Pulls `folder` once, if it is a Git checkout whose branch has an upstream. Never merges, and
 * never asks for a password: what cannot be fast-forwarded is left alone. Returns the commit it is
 * at now, or null when there was nothing to pull from.
 */
export async function pull(folder: string, signal?: AbortSignal): Promise<string | null> {
  const git = (...args: string[]) =>
    execa('git', ['-C', folder, ...args], {
      env: gitEnvironment(),
      extendEnv: false,
      stdin: 'ignore',
      timeout: PULL_LIMIT_MS,
      ...(signal ? { cancelSignal: signal } : {}),
    })
  const upstream = await git('rev-parse', '--abbrev-ref', '@{upstream}').catch(() => null)
  // A git that was ended says nothing about the upstream.
  signal?.throwIfAborted()
  if (upstream === null) return null
  await git('pull', '--ff-only', '--quiet')
  return (await git('rev-parse', 'HEAD')).stdout
}

/**
 * Pulls at once and then every `intervalMs`. A failed pull is a warning: work goes on with what is
 * there. `close` also ends a pull that is under way.
 */
export function openGitSync(options: { folder: string; intervalMs: number; log: Log }): Pick<Repeated, 'close'> {
  const { folder, intervalMs, log } = options
  let at: string | null = null
  const sync = async (signal: AbortSignal) => {
    try {
      const commit = await pull(folder, signal)
      if (commit !== at) {
        log.info(
          { folder, commit },
          'the configuration folder was pulled; a changed signalbox.config.ts counts from the next start',
        )
      }
      at = commit
    } catch (error) {
      if (signal.aborted) return
      log.warn({ folder, error: errorText(error) }, 'git pull failed; set GIT_SYNC_ENABLED=false to stop pulling')
    }
  }
  return every(intervalMs, sync, { log, name: 'git-sync', immediately: true })
}
