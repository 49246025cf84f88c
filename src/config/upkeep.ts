// What a process that orchestrates does besides its work: keeps repositories current, looks for
// webhooks that did not arrive and for work that is held by mistake, and deletes what is old.
import { dirname } from 'node:path'
import type { Database } from '../db/database.ts'
import type { Reconciler } from '../gaps/reconciler.ts'
import type { Clock } from '../lib/clock.ts'
import type { Environment } from '../lib/environment.ts'
import type { Log } from '../lib/log.ts'
import { keepHeld } from '../pauses/held.ts'
import { limitsOf } from '../retention/limits.ts'
import { openRetention } from '../retention/retention.ts'
import type { Mirrors } from '../workspaces/mirrors.ts'
import { mirrorsFolder } from '../workspaces/mirrors.ts'
import type { GitSync } from './git-sync.ts'
import { openGitSync } from './git-sync.ts'

export type UpkeepOptions = {
  environment: Environment
  configPath?: string | null
  mode: 'dev' | 'serve'
  log: Log
  clock: Clock
  mirrors: Mirrors
  reconciler: Reconciler
  node: { id: string }
  /** For deleting. */
  retaining: Database
  working: Database
}

/** Starts all of it. */
export function startUpkeep({ retaining: database, mirrors, reconciler, clock, ...options }: UpkeepOptions): GitSync {
  const { environment, log, node, working } = options
  const gitSync = environment.GIT_SYNC_ENABLED ? syncGit(options, mirrors) : null
  const retention = openRetention({ database, owner: node.id, clock, log, limits: limitsOf(environment) })
  retention.start()
  reconciler.start()
  const holding = keepHeld(working, { log })
  return {
    received: (event) => gitSync?.received(event),
    close: async () => void (await Promise.all([gitSync?.close(), retention.close(), holding.close()])),
  }
}

type SyncOptions = Pick<UpkeepOptions, 'environment' | 'configPath' | 'mode' | 'log'>

function syncGit({ environment, configPath, mode, log }: SyncOptions, mirrors: Mirrors): GitSync {
  return openGitSync({
    // A developer's own checkout is left alone.
    folder: mode === 'serve' && configPath ? dirname(configPath) : null,
    mirrors,
    notes: mirrorsFolder(environment),
    intervalMs: environment.TICK_INTERVAL_SECONDS * 1000,
    log,
  })
}
