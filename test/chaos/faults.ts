// What goes wrong on purpose: each fault begins, lasts for a while, and leaves things
// working again.
import { setTimeout as wait } from 'node:timers/promises'
import { TOKEN } from '../keys.ts'
import { monotonicMs } from './journal.ts'
import type { Place } from './nodes.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** What happened when, in milliseconds since the run began. */
export type Happened = { fromMs: number; toMs: number; what: string }

/** The jobs that were cancelled by hand, and whether they were to be started again. */
export type Cancelled = Map<string, 'for good' | 'to be retried'>

type Context = { stage: Stage; random: Random; cancelled: Cancelled }
/** Makes something go wrong; returns what, or null when there was nothing to disturb. */
type Fault = (context: Context) => Promise<string | null>

/** All faults by name. */
export const FAULTS = {
  kill,
  drain,
  freeze,
  block,
  'silence-old': (context) => silence(context, 'old'),
  'silence-all': (context) => silence(context, 'all'),
  restart,
  crash,
  cancel,
} satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

async function kill({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const pid = place.child?.pid
    stage.nodes.kill(place)
    const awayMs = random.chance(0.5) ? 0 : random.between(0, stage.leaseMs * 1.3)
    await wait(awayMs)
    stage.nodes.start(place)
    return `SIGKILL ${place.name} (${pid}), away for ${awayMs.toFixed(0)} ms`
  })
}

async function drain({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const pid = place.child?.pid
    stage.nodes.drain(place)
    return `SIGTERM ${place.name} (${pid})`
  })
}

async function freeze({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const { child } = place
    const ms = stage.leaseMs * random.between(1.1, 2)
    child?.kill('SIGSTOP')
    // It may be killed before it could record this itself.
    stage.journal.write({ what: 'stall', ms, pid: child?.pid ?? 0 })
    await wait(ms)
    child?.kill('SIGCONT')
    return `SIGSTOP ${place.name} (${child?.pid}) for ${ms.toFixed(0)} ms`
  })
}

async function block({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const { child } = place
    const blockMs = stage.leaseMs * random.between(1.1, 2)
    if (child?.connected) child.send({ blockMs }, () => {})
    await wait(blockMs)
    return `the event loop of ${place.name} (${child?.pid}) blocked for ${blockMs.toFixed(0)} ms`
  })
}

async function silence({ stage, random }: Context, which: 'old' | 'all'): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const ms = stage.leaseMs * (which === 'old' ? random.between(1.5, 3) : random.between(0.3, 1.8))
    const how = which === 'old' || random.chance(0.5) ? 'cut' : 'resume'
    const end = place.proxy.silence(which)
    await wait(ms)
    end(how)
    return `${which} connections of ${place.name} silent for ${ms.toFixed(0)} ms, then ${how}`
  })
}

async function restart({ stage, random }: Context): Promise<string | null> {
  const awayMs = random.between(0, 3000)
  if (!(await stage.postgres.restart(awayMs))) return null
  return `PostgreSQL stopped, away for ${awayMs.toFixed(0)} ms and started again`
}

async function crash({ stage }: Context): Promise<string | null> {
  return (await stage.postgres.crash()) ? 'PostgreSQL killed' : null
}

async function cancel({ stage, random, cancelled }: Context): Promise<string | null> {
  const { rows } = await stage.database
    .query<{ id: string }>(`select id from signalbox.jobs where status = 'running'`)
    .catch(() => ({ rows: [] }))
  const done: string[] = []
  for (const { id } of random.shuffle(rows).slice(0, 3)) {
    const next = random.chance(0.6) ? 'to be retried' : 'for good'
    // A lost answer says nothing: it may be cancelled all the same.
    cancelled.set(id, next)
    const status = await act(stage, `/api/jobs/${id}/cancel`)
    if (status === 409) cancelled.delete(id)
    else done.push(`${id} ${next} (${status})`)
  }
  return done.length === 0 ? null : `cancelled ${done.join(', ')}`
}

/** Starts the jobs again that were cancelled for that; resolves when none of them is left. */
export async function retryCancelled(stage: Stage, cancelled: Cancelled): Promise<void> {
  for (;;) {
    const ids = [...cancelled].flatMap(([id, next]) => (next === 'to be retried' ? [id] : []))
    const { rows } = await stage.database
      .query<{ id: string }>(`select id from signalbox.jobs where status = 'cancelled' and id = any($1::uuid[])`, [ids])
      .catch(() => ({ rows: [{ id: null }] }))
    if (rows.length === 0) return
    for (const { id } of rows) if (id !== null) await act(stage, `/api/jobs/${id}/retry`)
    await wait(50)
  }
}

async function act(stage: Stage, path: string): Promise<number | 'no answer'> {
  const receiver = stage.nodes.places.find(({ role }) => role === 'receiver')
  const headers = { authorization: `Bearer ${TOKEN}` }
  const request = { method: 'POST', headers, signal: AbortSignal.timeout(5000) }
  return fetch(`${receiver?.url}${path}`, request).then(
    ({ status }) => status,
    () => 'no answer' as const,
  )
}

/** Disturbs one process that is ready and not disturbed already: mostly one that runs jobs. */
async function withPlace(
  stage: Stage,
  random: Random,
  disturb: (place: Place) => Promise<string>,
): Promise<string | null> {
  const wanted = random.chance(0.2) ? 'receiver' : 'orchestrator'
  const free = stage.nodes.places.filter((place) => place.isReady && !place.busy && place.role === wanted)
  if (free.length === 0) return null
  const place = random.pick(free)
  place.busy = true
  try {
    return await disturb(place)
  } finally {
    place.busy = false
  }
}

/** Makes faults in the order given, each after a pause, until there are no more of them. */
export async function disturb(
  context: Context,
  options: { faults: Iterator<FaultName>; pauseMs: number; happened: Happened[]; begunAt: number },
): Promise<void> {
  const { faults, pauseMs, happened, begunAt } = options
  for (let next = faults.next(); !next.done; next = faults.next()) {
    await wait(context.random.between(0.2, 1.8) * pauseMs)
    const fromMs = monotonicMs() - begunAt
    const what = await FAULTS[next.value](context)
    if (what !== null) happened.push({ fromMs, toMs: monotonicMs() - begunAt, what })
  }
}
