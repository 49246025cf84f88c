// What goes wrong on purpose: each fault begins, lasts for a while, and leaves things
// working again.
import { setTimeout as wait } from 'node:timers/promises'
import { TOKEN } from '../keys.ts'
import { monotonicMs } from './journal.ts'
import type { Place } from './nodes.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** What happened when, in milliseconds since the run began. */
export type Happened = { name: FaultName; fromMs: number; toMs: number; what: string }

/** The jobs that were cancelled by hand, and whether they were to be started again. */
export type Cancelled = Map<string, 'for good' | 'to be retried'>

type Context = { stage: Stage; random: Random; cancelled: Cancelled }
/** Makes something go wrong; returns what, or null when there was nothing to disturb. */
type Fault = (context: Context) => Promise<string | null>

/** All faults by name. */
export const FAULTS = {
  kill,
  unanswered,
  drain,
  'drain-node': drainNode,
  freeze,
  block,
  clock,
  reset,
  'silence-old': (context) => silence(context, 'old'),
  'silence-all': (context) => silence(context, 'all'),
  restart: (context) => restart(context, context.random.between(0, 3000)),
  'database-away': (context) => restart(context, context.random.between(1, 1.3) * PATIENCE_MS),
  crash,
  'lost-response': loseResponses,
  'github-away': endGithub,
  cancel,
} satisfies Record<string, Fault>

// Longer than a receiver waits for the database before it answers 503.
const PATIENCE_MS = 9000
const HOUR_MS = 3_600_000

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

async function drainNode({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const pid = place.child?.pid ?? 0
    let answer: number | string = 'no node'
    stage.nodes.drain(place, async () => {
      const { rows } = await stage.database
        .query<{ id: string }>('select id from signalbox.nodes where pid = $1 order by started_at desc limit 1', [pid])
        .catch(() => ({ rows: [] }))
      for (const { id } of rows) answer = await act(stage, `/api/nodes/${id}/drain`)
      return answer === 200
    })
    await wait(stage.leaseMs)
    return `asked ${place.name} (${pid}) to drain (${answer})`
  })
}

/** The receiver commits what it receives, its answers are lost, and it is killed. */
async function unanswered({ stage, random }: Context): Promise<string | null> {
  const receiver = stage.nodes.places.find(({ role }) => role === 'receiver')
  if (!receiver?.isReady || receiver.busy) return null
  receiver.busy = true
  const events = () => stage.database.query<{ n: number }>('select count(*)::int as n from signalbox.events')
  try {
    const before = (await events()).rows[0]?.n ?? 0
    const end = stage.front.mute()
    await wait(random.between(0.1, 0.5) * stage.leaseMs)
    stage.nodes.kill(receiver)
    const after = (await events()).rows[0]?.n ?? 0
    end()
    stage.nodes.start(receiver)
    return `SIGKILL receiver, ${after - before} events after its last answer`
  } catch {
    // The database was away: its process is replaced all the same.
    stage.nodes.kill(receiver)
    stage.nodes.start(receiver)
    return null
  } finally {
    stage.front.reset()
    receiver.busy = false
  }
}

/** A clock that is wrong by an hour, ahead or behind, set now and then while the process works. */
async function clock({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const { child } = place
    const set: string[] = []
    for (const sign of random.shuffle([1, -1, 0]).slice(0, 2)) {
      const aheadMs = Math.round(sign * random.between(0.9, 1.1) * HOUR_MS)
      if (child?.connected) child.send({ aheadMs }, () => {})
      set.push(`${(aheadMs / 1000).toFixed(0)} s`)
      await wait(random.between(0.5, 1.5) * stage.leaseMs)
    }
    return `the clock of ${place.name} (${child?.pid}) set ahead by ${set.join(', then ')}`
  })
}

async function reset({ stage, random }: Context): Promise<string | null> {
  return withPlace(stage, random, async (place) => {
    const times = Math.ceil(random.between(0, 5))
    for (let i = 0; i < times; i++) {
      place.proxy.reset()
      await wait(random.between(0, 300))
    }
    return `connections of ${place.name} to PostgreSQL reset ${times} times`
  })
}

/** GitHub does what it is asked to do, and its answer is lost. */
async function loseResponses({ stage, random }: Context): Promise<string | null> {
  const times = Math.ceil(random.between(0, 6))
  const fault = stage.github.faults.add({ method: 'POST', kind: 'lostResponse', times })
  for (let i = 0; i < 100 && fault.hits < times; i++) await wait(50)
  fault.remove()
  return fault.hits === 0 ? null : `${fault.hits} answers of GitHub lost`
}

async function endGithub({ stage, random }: Context): Promise<string | null> {
  const status = random.pick([500, 502, 503])
  const fault = stage.github.faults.add({ kind: 'status', status, times: Number.POSITIVE_INFINITY })
  await wait(random.between(1, 2) * stage.leaseMs)
  fault.remove()
  return fault.hits === 0 ? null : `GitHub answered ${status} to ${fault.hits} requests`
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

async function restart({ stage }: Context, awayMs: number): Promise<string | null> {
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
    if (status === 409) {
      cancelled.delete(id)
      continue
    }
    stage.log.write({ what: 'cancel', job: id, next })
    done.push(`${id} ${next} (${status})`)
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
  const headers = { authorization: `Bearer ${TOKEN}` }
  const request = { method: 'POST', headers, signal: AbortSignal.timeout(5000) }
  return fetch(`${stage.url}${path}`, request).then(
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

/** The faults that happen to work under way: the others happen to processes. */
const TO_WORK: ReadonlySet<FaultName> = new Set(['lost-response', 'github-away', 'cancel'])

/** Those that happen to work first, so that each finds something to disturb. */
export function whileThereIsWork(faults: readonly FaultName[]): FaultName[] {
  return faults.toSorted((one, other) => Number(TO_WORK.has(other)) - Number(TO_WORK.has(one)))
}

/**
 * Makes faults in the order given, each after a pause, until there are no more of them. One that
 * finds nothing to disturb is made later, if there is still something to disturb.
 */
export async function disturb(
  context: Context,
  options: {
    faults: Iterator<FaultName>
    pauseMs: number
    happened: Happened[]
    begunAt: number
    hasWork: () => Promise<boolean>
  },
): Promise<void> {
  const { faults, pauseMs, happened, begunAt, hasWork } = options
  for (let next = faults.next(); !next.done; next = faults.next()) {
    for (let what: string | null = null; what === null; ) {
      if (TO_WORK.has(next.value) && !(await hasWork())) break
      await wait(context.random.between(0.2, 1.8) * pauseMs)
      // Mostly: on a busy machine a process takes longer to start than a fault to come.
      if (context.random.chance(0.7)) await context.stage.nodes.ready()
      const fromMs = monotonicMs() - begunAt
      what = await FAULTS[next.value](context)
      if (what !== null) happened.push({ name: next.value, fromMs, toMs: monotonicMs() - begunAt, what })
    }
  }
}
