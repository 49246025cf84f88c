// The reconciler as the environment and the rules set it up.
import type { Draft, Event } from '../events/event.ts'
import { getEvent } from '../events/query.ts'
import { noForgeRemedy } from '../forges/configured.ts'
import { githubAuth, githubHooksFrom, githubOpenThingsFrom } from '../forges/github/environment.ts'
import { checkLevel } from '../gaps/level.ts'
import { namedRepositories } from '../gaps/named-repositories.ts'
import type { LookParts } from '../gaps/reconcile.ts'
import type { Reconciler } from '../gaps/reconciler.ts'
import { openReconciler } from '../gaps/reconciler.ts'
import { SOURCE } from '../gaps/store.ts'
import type { LevelCheck } from '../gaps/wire.ts'
import type { Environment } from '../lib/environment.ts'
import { AppError } from '../lib/error.ts'
import { newId } from '../lib/id.ts'
import type { Pipeline } from '../pipeline.ts'
import type { KeptRequest } from '../sources/source.ts'
import type { Installation } from './configure.ts'
import { webhookUrl } from './webhook-url.ts'

/** What keeps this process from looking for webhooks that did not arrive; null if nothing does. */
export function gapsProblem(environment: Environment): string | null {
  if (githubAuth(environment) === null) return `No forge can be asked: ${noForgeRemedy(environment)}.`
  if (environment.GITHUB_WEBHOOK_SECRET.length === 0) return 'No webhook can arrive: set GITHUB_WEBHOOK_SECRET.'
  if (environment.SIGNALBOX_PUBLIC_URL !== undefined || environment.GITHUB_HOOKS !== undefined) return null
  return 'Set SIGNALBOX_PUBLIC_URL, by which webhooks are found, or name them in GITHUB_HOOKS.'
}

type Parts = Pick<LookParts, 'database' | 'clock' | 'log' | 'owner' | 'onWork'> & {
  environment: Environment
  installation: Installation
  pipeline: Pipeline
}

type CheckLevel = (options: { isFixing: boolean }) => Promise<LevelCheck>

function levelCheckOf({ environment, installation, pipeline, log, ...parts }: Parts): CheckLevel {
  const open = githubOpenThingsFrom(environment, log)
  const repositories = namedRepositories(installation.repositories, installation.rules)
  const { jobsOf, take } = pipeline
  return async (options) => {
    if (open === null) throw new AppError('forge_failed', `No forge can be asked: ${noForgeRemedy(environment)}.`)
    const eventOf = (id: string) => getEvent(parts.database, id)
    const { rules } = installation
    const foreseen = async (draft: Draft) => ({ draft, jobs: await jobsOf(draft) })
    const checking = {
      ...parts,
      open,
      repositories,
      rules,
      eventOf,
      foresee: async (source: string, kept: KeptRequest, from: string) => {
        // What it says of a pull request is not what happens to that now.
        const { pullRequest: _, bodyKey: __, ...draft } = await pipeline.restore(source, kept, from)
        return foreseen(draft)
      },
      foreseeAgain: (event: Event, deliveryId: string) => foreseen(repeated(event, deliveryId, parts.clock.now())),
      recordFor: (draft: Draft, forRules: readonly string[]) => take({ ...draft, forRules }),
    }
    return checkLevel(checking, options)
  }
}

/** The reconciler, and the check of what stands open. */
export function reconcilerOf(parts: Parts): { reconciler: Reconciler; checkLevel: CheckLevel } {
  return { reconciler: deliveryCheckOf(parts), checkLevel: levelCheckOf(parts) }
}

/** One that only says what is missing where it cannot look. */
function deliveryCheckOf({ environment, installation, pipeline, ...parts }: Parts): Reconciler {
  const problem = gapsProblem(environment)
  const hooks = githubHooksFrom(environment, parts.log)
  if (problem !== null || hooks === null) return unable(problem ?? '')
  const { SIGNALBOX_PUBLIC_URL: publicUrl, GITHUB_HOOKS: named = null } = environment
  return openReconciler({
    ...parts,
    hooks,
    named,
    address: named === null && publicUrl !== undefined ? webhookUrl(publicUrl) : null,
    repositories: namedRepositories(installation.repositories, installation.rules),
    intervalMs: environment.GITHUB_GAPS_INTERVAL_SECONDS * 1000,
    recordIn: pipeline.recordIn,
    recover: async ({ headers, payload }, from) => {
      const get = (name: string) => headers[name.toLowerCase()] ?? null
      return pipeline.take(await pipeline.restore(SOURCE, { headers: { get }, payload }, from))
    },
  })
}

function unable(problem: string): Reconciler {
  return {
    check: async ({ isDry }) => ({
      dry_run: isDry,
      complete: false,
      hooks: [],
      problems: [{ place: SOURCE, problem }],
    }),
    start: () => {},
    close: async () => {},
  }
}

/** The draft of an event that is stored, to be recorded under another delivery id. */
function repeated({ status: _, reason: __, receivedAt: ___, ...event }: Event, deliveryId: string, now: Date): Draft {
  return { ...event, id: newId(now), deliveryId, causeJobId: null, recovered: true }
}
