// Attempts are counted as they were made, one at a time of a job and of a group, and nobody wrote
// for a job after its attempt was over.
import type { AttemptRow, Evidence, JobRow, WrittenRow } from './evidence.ts'
import { overlapsIn, runsOf } from './overlaps.ts'
import type { Problem } from './problem.ts'

type Options = {
  leaseMs: number
  /**
   * What times of the database may differ by: a statement has the time of its transaction's start,
   * and sees what was committed a moment later.
   */
  slackMs: number
}

/** Compares each job's counts, attempts and what was written with each other. */
export function judgeAttempts(evidence: Evidence, options: Options): Problem[] {
  const { jobs, written, log } = evidence
  const attempts = Map.groupBy(evidence.attempts, ({ job }) => job)
  const cancelled = new Set(log.flatMap((entry) => (entry.what === 'cancel' ? [entry.job] : [])))
  const rows = Map.groupBy(written, ({ job }) => job)
  return [
    ...jobs.flatMap((job) => {
      const made = attempts.get(job.id) ?? []
      return [
        ...judgeCounts(job, made, cancelled.has(job.id)),
        ...judgeOrder(job, made, options),
        ...judgeWritten(job, made, rows.get(job.id) ?? [], options),
      ]
    }),
    ...judgeRuns(evidence, attempts),
    ...judgeGroups(evidence, options),
  ]
}

function nameOf({ delivery, rule }: JobRow): string {
  return `${rule} of ${delivery}`
}

function judgeCounts(job: JobRow, made: readonly AttemptRow[], wasCancelled: boolean): Problem[] {
  const name = nameOf(job)
  const wrong: string[] = []
  const of = (...outcomes: string[]) => made.filter(({ outcome }) => outcomes.includes(outcome)).length
  if (made.length !== job.attempt || made.some(({ attempt }, i) => attempt !== i + 1)) {
    wrong.push(`counts ${job.attempt} attempts, and made ${made.map(({ attempt }) => attempt).join(', ') || 'none'}`)
  }
  // Whoever begins a cancelled job again has the others counted anew.
  if (!wasCancelled) {
    if (of('lost') !== job.losses) wrong.push(`counts ${job.losses} losses of ${of('lost')}`)
    const unfinished = of('retried', 'failed')
    if (unfinished !== job.failures + job.deferrals) {
      wrong.push(`counts ${job.failures} failures and ${job.deferrals} deferrals of ${unfinished}`)
    }
  }
  const problems: Problem[] = wrong.map((what) => ({
    kind: 'attempt miscounted',
    what: `${name} ${what}`,
    job: job.id,
  }))
  const completed = of('completed')
  if (completed > 1 || (completed === 1 && job.status !== 'completed')) {
    const what = `${name} is ${job.status} after ${completed} attempts that completed it`
    problems.push({ kind: 'job ended twice', what, job: job.id })
  }
  if (job.status === 'completed' && completed === 0) {
    problems.push({ kind: 'job never run', what: `${name} completed, and no attempt did`, job: job.id })
  }
  return problems
}

/** One after the other. */
function judgeOrder(job: JobRow, made: readonly AttemptRow[], { slackMs }: Options): Problem[] {
  return made.flatMap((one, i): Problem[] => {
    const next = made[i + 1]
    if (next === undefined || one.to <= next.from + slackMs) return []
    const what = `attempt ${next.attempt} of ${nameOf(job)} began ${(one.to - next.from).toFixed(0)} ms before ${one.attempt} ended`
    return [{ kind: 'stale writer', what, job: job.id }]
  })
}

/** Nothing is written by an attempt that has not begun, is over, or was followed by another. */
function judgeWritten(
  job: JobRow,
  made: readonly AttemptRow[],
  rows: readonly WrittenRow[],
  { slackMs }: Options,
): Problem[] {
  return rows.flatMap(({ what, attempt, at }): Problem[] => {
    const isWithin = (one: AttemptRow) => at === null || (at >= one.from - slackMs && at <= one.to + slackMs)
    const stale = (why: string): Problem[] => [
      { kind: 'stale writer', what: `${what} of ${nameOf(job)} was written ${why}`, job: job.id },
    ]
    if (attempt === null) return made.some(isWithin) ? [] : stale('while no attempt was under way')
    const own = made.find((one) => one.attempt === attempt)
    if (own === undefined) return stale(`by attempt ${attempt}, which was never made`)
    const next = made.find((one) => one.attempt > attempt)
    if (next !== undefined && at !== null && at > next.from)
      return stale(`by attempt ${attempt} after ${next.attempt} had begun`)
    return isWithin(own) ? [] : stale(`by attempt ${attempt} when that was not under way`)
  })
}

/** What agents recorded themselves: each run is an attempt, of the node whose process it was. */
function judgeRuns({ journal, jobs, nodes }: Evidence, attempts: ReadonlyMap<string, AttemptRow[]>): Problem[] {
  if (journal === null) return []
  const ran = new Set<string>()
  const problems = [...makersIn(journal).values()].flatMap(({ job, attempt, pid }): Problem[] => {
    ran.add(job)
    const row = attempts.get(job)?.find((one) => one.attempt === attempt)
    if (row === undefined) {
      return [{ kind: 'attempt unknown', what: `process ${pid} ran attempt ${attempt}, which is not on record`, job }]
    }
    if ((nodes.get(row.owner) ?? pid) === pid) return []
    const what = `attempt ${attempt} was run by process ${pid} and ended by that of ${row.owner}`
    return [{ kind: 'stale writer', what, job }]
  })
  const silent = jobs.filter(({ id, status }) => status === 'completed' && !ran.has(id))
  for (const job of silent) {
    problems.push({ kind: 'job never run', what: `${nameOf(job)} completed, and no agent ran`, job: job.id })
  }
  return problems
}

type Maker = { job: string; attempt: number; pid: number }

/** Which process made each attempt, where another one may have done the work. */
function makersIn(journal: NonNullable<Evidence['journal']>): Map<string, Maker> {
  const makers = new Map<string, Maker>()
  for (const entry of journal) {
    if (entry.what !== 'begin' && entry.what !== 'runs') continue
    const key = `${entry.job}:${entry.attempt}`
    if (entry.what === 'runs' || !makers.has(key)) makers.set(key, entry)
  }
  return makers
}

/** By the database, and to the millisecond by what agents recorded. */
function judgeGroups({ jobs, attempts, journal }: Evidence, { leaseMs, slackMs }: Options): Problem[] {
  const groupOf = new Map(jobs.map(({ id, group }) => [id, group]))
  const problems: Problem[] = []
  for (const [group, members] of Map.groupBy(attempts, ({ job }) => groupOf.get(job) ?? null)) {
    if (group === null) continue
    let last: AttemptRow | undefined
    for (const one of members.toSorted((a, b) => a.from - b.from)) {
      if (last && last.job !== one.job && last.to > one.from + slackMs) {
        const what = `${group}: attempts of ${last.job} and ${one.job} for ${(last.to - one.from).toFixed(0)} ms`
        problems.push({ kind: 'group overlap', what, job: one.job })
      }
      if (!last || one.to > last.to) last = one
    }
  }
  for (const { group, first, second, ms } of strictOverlaps(journal ?? [], leaseMs)) {
    const what = `${group}: two agents for ${ms.toFixed(1)} ms, the other one's job is ${second.job}`
    problems.push({ kind: 'group overlap', what, job: first.job })
  }
  return problems
}

function strictOverlaps(journal: NonNullable<Evidence['journal']>, leaseMs: number) {
  return overlapsIn(runsOf(journal, { stallMs: leaseMs / 4, graceMs: leaseMs / 5 + 200 }))
}

/** How many agents of a group ran at the same time only because a process stalled. */
export function excusedOverlaps(journal: Evidence['journal'], leaseMs: number): number {
  if (journal === null) return 0
  const all = overlapsIn(runsOf(journal, { stallMs: Number.POSITIVE_INFINITY, graceMs: 0 }))
  return all.length - strictOverlaps(journal, leaseMs).length
}
