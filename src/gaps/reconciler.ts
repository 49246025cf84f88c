// Looks at start and every few minutes for webhooks that never arrived, and whenever it is asked.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FoundHooks, HookForge, HookPath } from '../forges/hooks.ts'
import { AppError, errorText, RetryAt } from '../lib/error.ts'
import type { Repeated } from '../lib/every.ts'
import { every } from '../lib/every.ts'
import type { LookParts } from './reconcile.ts'
import { lookAt } from './reconcile.ts'
import { leaseLeftMs, noteFound, SOURCE } from './store.ts'
import type { GapCheck, HookLook } from './wire.ts'

// After this long what was found is stored, before more is fetched.
const LOOK_MS = 60_000

/** What a reconciler is made from. */
export type ReconcilerOptions = LookParts & {
  hooks: HookForge
  /** The webhooks to look at; null: those that post to `address`. */
  named: readonly HookPath[] | null
  repositories: readonly string[]
  /** How often; 0 is never. */
  intervalMs: number
}

/** Finds and closes gaps. */
export type Reconciler = {
  /** Looks at all webhooks, for about so long. */
  check(options: { isDry: boolean; limitMs: number }): Promise<GapCheck>
  /** Looks by itself from now on. */
  start(): void
  close(): Promise<void>
}

/** Opens nothing yet: the first look finds the webhooks. */
export function openReconciler(options: ReconcilerOptions): Reconciler {
  const { log, intervalMs } = options
  let repeated: Repeated | undefined
  // One after another: two looks of one process would only wait for each other's leases.
  let last: Promise<unknown> = Promise.resolve()
  const check = (looking: Looking) => {
    const next = last.then(() => checkAll(options, looking))
    last = next.catch(() => {})
    return next
  }
  const goesOn = async ({ complete, hooks }: GapCheck, signal: AbortSignal) => {
    if (complete || signal.aborted) return false
    if (hooks.some(isProgress)) return true
    const busy = hooks.filter(isBusy).map(({ hook }) => hook)
    if (busy.length === 0) return false
    // Who was killed while it looked keeps its lease: this may be the same service, back again. Who
    // lives renews it, maybe for hours, in which the forge is not asked where the webhooks are.
    const untilMs = performance.now() + intervalMs
    for (;;) {
      const leftMs = await leaseLeftMs(options.database, options.clock, busy)
      const pauseMs = Math.min(leftMs, untilMs - performance.now())
      if (pauseMs <= 0) return true
      await sleep(pauseMs, undefined, { signal })
    }
  }
  return {
    check,
    start() {
      if (intervalMs === 0) return
      const run = async (signal: AbortSignal) => {
        let found: GapCheck
        do found = await check({ isDry: false, limitMs: LOOK_MS, signal })
        while (await goesOn(found, signal))
      }
      repeated = every(intervalMs, run, { log, name: 'gaps', immediately: true })
    },
    async close() {
      await repeated?.close()
      await last
    },
  }
}

type Looking = { isDry: boolean; limitMs: number; signal?: AbortSignal }

function isProgress({ recovered, arrived, lost }: HookLook): boolean {
  return recovered + arrived + lost > 0
}

/** Another process looks at it. */
function isBusy({ since }: HookLook): boolean {
  return since === null
}

async function checkAll(options: ReconcilerOptions, { isDry, limitMs, signal }: Looking): Promise<GapCheck> {
  const found = await findAll(options)
  const { hooks, problems } = found
  if (!isDry) {
    const fresh = await noteFound(options.database, found)
    for (const each of fresh) options.log.warn(each, `webhooks cannot be looked for: ${each.problem}`)
  }
  const untilMs = performance.now() + limitMs
  const looks: HookLook[] = []
  for (const hook of hooks) looks.push(await lookAt(options, hook, { isDry, untilMs, ...(signal && { signal }) }))
  const complete = problems.length === 0 && looks.every(({ problem }) => problem === null)
  return { dry_run: isDry, complete, hooks: looks, problems }
}

async function findAll(options: ReconcilerOptions): Promise<FoundHooks> {
  const { hooks, address, named, repositories } = options
  if (named !== null || address === null) return { hooks: [...(named ?? [])], problems: [] }
  try {
    return await hooks.find(address, repositories)
  } catch (error) {
    if (!(error instanceof RetryAt || error instanceof AppError)) throw error
    return { hooks: [], problems: [{ place: SOURCE, problem: errorText(error) }] }
  }
}
