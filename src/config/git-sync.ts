// Keeping what is on disk in step with the forges, at each tick and after pushes: the folder of the
// configuration, whose scripts `command` agents run, and the mirrors that agents check out from.
import { execa } from 'execa'
import type { Draft } from '../events/event.ts'
import { errorText } from '../lib/error.ts'
import { every } from '../lib/every.ts'
import type { Log } from '../lib/log.ts'
import type { Mirrors } from '../workspaces/mirrors.ts'
import { noteSync } from '../workspaces/sync-failures.ts'

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

/** What is kept in step, and how. */
export type GitSyncOptions = {
  /** The configuration's; null when it is left alone. */
  folder: string | null
  mirrors: Mirrors
  /** Where failures are noted, for the doctor. */
  notes: string
  intervalMs: number
  log: Log
}

/** Work in the background. */
export type GitSync = {
  /** Fetches the mirror of a repository that was pushed to, if it has one. */
  received(event: Pick<Draft, 'type' | 'facts'>): void
  /** Ends what is under way. */
  close(): Promise<void>
}

/**
 * Synchronises at once and then every `intervalMs`. What fails is a warning: work goes on with what
 * is there.
 */
export function openGitSync({ folder, mirrors, notes, intervalMs, log }: GitSyncOptions): GitSync {
  const closing = new AbortController()
  const pushes = new Map<string, { work: Promise<void>; isDue: boolean }>()
  const pullConfig = folder === null ? async () => {} : openPull({ folder, notes, log })
  const ticks = every(
    intervalMs,
    async (signal) => {
      await pullConfig(signal)
      await mirrors.syncAll(signal)
    },
    { log, name: 'git-sync', immediately: true },
  )
  const fetchPushed = async (repository: string) => {
    for (const push = pushes.get(repository); push?.isDue && !closing.signal.aborted; ) {
      push.isDue = false
      await mirrors.sync(repository, closing.signal)
    }
    pushes.delete(repository)
  }
  return {
    received({ type, facts: { repository } }) {
      if (type !== 'push' || repository === undefined || closing.signal.aborted) return
      const running = pushes.get(repository)
      // One that is under way may have been too early for this push.
      if (running) running.isDue = true
      else {
        const push = { work: Promise.resolve(), isDue: true }
        pushes.set(repository, push)
        push.work = fetchPushed(repository)
      }
    },
    async close() {
      closing.abort()
      await Promise.all([ticks.close(), ...[...pushes.values()].map(({ work }) => work)])
    },
  }
}

/**
 * Pulls one folder again and again; says so when something came, when it begins to fail or fails in
 * another way, and when it works again.
 */
function openPull({ folder, notes, log }: { folder: string; notes: string; log: Log }) {
  let at: string | null = null
  let failure: string | null = null
  return async (signal: AbortSignal): Promise<void> => {
    try {
      const commit = await pull(folder, signal)
      if (commit !== at) {
        log.info(
          { folder, commit },
          'the configuration folder was pulled; a changed signalbox.config.ts counts from the next start',
        )
      }
      at = commit
      if (failure !== null) log.info({ folder }, 'git pull works again')
      failure = null
      await noteSync(notes, folder, null)
    } catch (error) {
      if (signal.aborted) return
      const text = errorText(error)
      if (text !== failure) {
        log.warn({ folder, error: text }, 'git pull failed; set GIT_SYNC_ENABLED=false to stop pulling')
      }
      failure = text
      await noteSync(notes, folder, text).catch(() => {})
    }
  }
}
