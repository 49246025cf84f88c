// What a run came to: counted in the database, at the fake GitHub, and in what agents recorded.
import { spawnSync } from 'node:child_process'
import type { Cancelled } from './faults.ts'
import type { Entry } from './journal.ts'
import { readJournal } from './journal.ts'
import { overlapsIn, runsOf } from './overlaps.ts'
import type { Sent, Webhook } from './senders.ts'
import type { Stage } from './stage.ts'

/** Something that must not be; `job` names the job whose history shows it. */
export type Problem = { what: string; job?: string }

/** Numbers by what they count. */
export type Counts = Record<string, number>

/** One job, with the delivery that made it. */
export type JobRow = {
  id: string
  delivery: string
  kind: string
  status: string
  attempt: number
  failures: number
  losses: number
  error: string | null
}

/** Reads all jobs. */
async function readJobs({ database }: Stage): Promise<JobRow[]> {
  const { rows } = await database.query<JobRow>(
    `select job.id, event.delivery_id as delivery, job.rule as kind, job.status, job.attempt, job.failures, job.losses,
       job.error
     from signalbox.jobs as job join signalbox.events as event on event.id = job.event_id
     order by job.created_at, job.id`,
  )
  return rows
}

/** How many rows of a table meet a condition. */
export async function count({ database }: Stage, from: string): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${from}`)
  return rows[0]?.n ?? -1
}

/** Compares everything with what it has to be. */
export async function judge(
  stage: Stage,
  run: { webhooks: readonly Webhook[]; sent: Sent; cancelled: Cancelled },
): Promise<{ problems: Problem[]; counts: Counts }> {
  const { webhooks, sent, cancelled } = run
  const jobs = await readJobs(stage)
  const entries = readJournal(stage.journalPath)
  const events = await count(stage, `signalbox.events where type = 'push'`)
  const completed = jobs.filter(({ status }) => status === 'completed')
  const effects = await effectsOf(stage)
  const overlaps = overlapsOf(stage, entries)
  const finishedEvents = await count(stage, `signalbox.events where type = 'job.completed'`)
  const deliveries = await count(stage, `signalbox.deliveries where status = 'succeeded'`)
  const lost = [...sent.acknowledged].filter((delivery) => !jobs.some((job) => job.delivery === delivery))
  const problems: Problem[] = [
    ...lost.map((delivery) => ({ what: `${delivery} was acknowledged and has no job` })),
    ...different('events', events, webhooks.length),
    ...different('events job.completed', finishedEvents, completed.length),
    ...different('deliveries that succeeded', deliveries, completed.length),
    ...different('deliveries that arrived', stage.delivered.size, completed.length),
    ...jobs.flatMap((job) => problemsOf(job, effects, cancelled)),
    ...overlaps.strict.map(({ group, first, second, ms }) => ({
      what: `${group}: two agents for ${ms.toFixed(1)} ms, the other one's job is ${second.job}`,
      job: first.job,
    })),
  ]
  const total = (of: (job: JobRow) => number) => jobs.reduce((sum, job) => sum + of(job), 0)
  const counts = {
    webhooks: webhooks.length,
    'acknowledged, lost': lost.length,
    'completed jobs': completed.length,
    'cancelled jobs': jobs.filter(({ status }) => status === 'cancelled').length,
    'jobs that failed': jobs.filter(({ status }) => status === 'failed').length,
    attempts: total(({ attempt }) => attempt),
    'attempts used up by failures': total(({ failures }) => failures),
    'attempts lost': total(({ losses }) => losses),
    'effects doubled': [...effects.values()].filter((n) => n > 1).length,
    'runs of agents': entries.filter(({ what }) => what === 'begin').length,
    'two of a group at once': overlaps.strict.length,
    'two of a group at once, one in a process that stalled': overlaps.excused,
  }
  return { problems, counts }
}

function problemsOf(job: JobRow, effects: ReadonlyMap<string, number>, cancelled: Cancelled): Problem[] {
  const made = effects.get(job.delivery) ?? 0
  const mayBeCancelled = cancelled.get(job.id) === 'for good'
  const wrong = [
    made > 1 && `${job.kind} was written ${made} times`,
    made === 0 && job.status === 'completed' && `completed, and its ${job.kind} was never written`,
    job.status === 'cancelled' && !mayBeCancelled && 'is cancelled, which nobody asked for',
    job.status !== 'completed' && job.status !== 'cancelled' && `is ${job.status}`,
    job.failures > 0 && `${job.failures} attempts were used up`,
  ]
  return wrong.flatMap((what) => (what ? [{ what: `${job.delivery} ${what}`, job: job.id }] : []))
}

function different(what: string, is: number, expected: number): Problem[] {
  return is === expected ? [] : [{ what: `${is} ${what} in place of ${expected}` }]
}

/** How often the effect of each delivery exists: its comment, or its pull request. */
async function effectsOf({ repository, commits }: Stage): Promise<Map<string, number>> {
  const texts: string[] = []
  for (const sha of commits) texts.push(...(await repository.commitComments(sha)).map(({ body }) => body))
  texts.push(...(await repository.pulls()).map(({ body }) => body ?? ''))
  const effects = new Map<string, number>()
  for (const text of texts) {
    const delivery = /saw (delivery-\d+)\./.exec(text)?.[1] ?? text
    effects.set(delivery, (effects.get(delivery) ?? 0) + 1)
  }
  return effects
}

function overlapsOf({ leaseMs }: Stage, entries: readonly Entry[]) {
  const graceMs = leaseMs / 5 + 200
  const strict = overlapsIn(runsOf(entries, { stallMs: leaseMs / 4, graceMs }))
  const all = overlapsIn(runsOf(entries, { stallMs: Number.POSITIVE_INFINITY, graceMs }))
  return { strict, excused: all.length - strict.length }
}

/** The processes of a run that are still there: each has its folder among its arguments. */
export function leftProcesses({ folder }: Stage): string[] {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' })
  const own = new RegExp(`(^|\\s)(ps|-A)\\s|${process.pid}`)
  return stdout.split('\n').filter((line) => line.includes(folder) && !line.includes('postgres') && !own.test(line))
}
