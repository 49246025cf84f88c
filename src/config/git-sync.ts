// Keeping the folder of the configuration current: the scripts that `command` agents run are pulled
// before they are needed.
import { execa } from 'execa'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'

const PULL_LIMIT_MS = 30_000

/**
 * Pulls `folder` once, if it is a Git checkout whose branch has an upstream. Never merges, and
 * never asks for a password: what cannot be fast-forwarded is left alone. Gives the commit it is at
 * now, or null when there was nothing to pull from.
 */
export async function pull(folder: string, signal?: AbortSignal): Promise<string | null> {
  const git = (...args: string[]) =>
    execa('git', ['-C', folder, ...args], {
      env: { GIT_TERMINAL_PROMPT: '0' },
      stdin: 'ignore',
      timeout: PULL_LIMIT_MS,
      ...(signal ? { cancelSignal: signal } : {}),
    })
  const upstream = await git('rev-parse', '--abbrev-ref', '@{upstream}').catch(() => null)
  if (upstream === null) return null
  await git('pull', '--ff-only', '--quiet')
  return (await git('rev-parse', 'HEAD')).stdout
}

/** A running sync; `close` also ends a pull that is under way. */
export type GitSync = { close(): Promise<void> }

/**
 * Pulls at once and then every `intervalMs`. A failed pull is a warning: work goes on with what is
 * there.
 */
export function openGitSync(options: { folder: string; intervalMs: number; log: Log }): GitSync {
  const { folder, intervalMs, log } = options
  const closing = new AbortController()
  let at: string | null = null
  let running = Promise.resolve()
  const sync = async () => {
    try {
      const commit = await pull(folder, closing.signal)
      if (commit !== at)
        log.info(
          { folder, commit },
          'the configuration folder was pulled; a changed signalbox.config.ts counts from the next start',
        )
      at = commit
    } catch (error) {
      if (!closing.signal.aborted)
        log.warn({ folder, error: errorText(error) }, 'git pull failed; set GIT_SYNC_ENABLED=false to stop trying')
    }
  }
  const next = () => {
    running = running.then(sync)
  }
  next()
  const timer = setInterval(next, intervalMs)
  return {
    async close() {
      clearInterval(timer)
      closing.abort()
      await running
    },
  }
}
