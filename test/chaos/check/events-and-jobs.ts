// Every acknowledged webhook is one event with exactly its jobs, and every job has ended once.
import type { EventRow, Evidence, JobRow } from './evidence.ts'
import type { Problem } from './problem.ts'
import { countBy } from './problem.ts'

/** Compares the events with what was sent and answered. */
export function judgeEvents({ events, log }: Evidence): Problem[] {
  const sent = new Set(log.flatMap((entry) => (entry.what === 'webhook' ? [entry.delivery] : [])))
  const found = Map.groupBy(
    events.filter(({ delivery }) => delivery !== null),
    ({ delivery }) => delivery ?? '',
  )
  const problems: Problem[] = []
  for (const [delivery, of] of found) {
    if (!sent.has(delivery))
      problems.push({ kind: 'event unknown', what: `${delivery} is an event, and was never sent` })
    if (of.length > 1) problems.push({ kind: 'event doubled', what: `${delivery} is ${of.length} events` })
  }
  const answers = log.flatMap((entry) => (entry.what === 'answer' && isSuccess(entry.status) ? [entry] : []))
  for (const delivery of new Set(answers.map((answer) => answer.delivery))) {
    if (!found.has(delivery))
      problems.push({ kind: 'event lost', what: `${delivery} was acknowledged, and is no event` })
  }
  const misnamed = answers.filter(
    ({ delivery, event }) => found.has(delivery) && !found.get(delivery)?.some(({ id }) => id === event),
  )
  for (const { delivery, event } of misnamed) {
    problems.push({ kind: 'event misnamed', what: `${delivery} was acknowledged as ${event}, which is no event of it` })
  }
  return problems
}

/** Whether an answer acknowledges what was sent. */
export function isSuccess(status: number | null): boolean {
  return status !== null && status >= 200 && status < 300
}

/** Compares the jobs with what was to follow from the events, and how they ended. */
export function judgeJobs({ events, jobs, log }: Evidence): Problem[] {
  const wanted = new Map(log.flatMap((entry) => (entry.what === 'webhook' ? [[entry.delivery, entry.jobs]] : [])))
  const byEvent = Map.groupBy(jobs, ({ event }) => event)
  const cancelled = new Map(log.flatMap((entry) => (entry.what === 'cancel' ? [[entry.job, entry.next]] : [])))
  return [
    ...events.flatMap((event) => {
      const rules = event.delivery === null ? [] : (wanted.get(event.delivery) ?? []).map(({ rule }) => rule)
      return judgeEvent(event, byEvent.get(event.id) ?? [], rules)
    }),
    ...jobs.flatMap((job) => judgeEnd(job, cancelled.get(job.id))),
    ...judgeReports(jobs, events),
  ]
}

function judgeEvent(event: EventRow, jobs: JobRow[], rules: readonly string[]): Problem[] {
  const name = event.delivery ?? `${event.type} ${event.id}`
  const made = countBy(jobs.map(({ rule }) => rule))
  const problems: Problem[] = rules
    .filter((rule) => !made.has(rule))
    .map((rule) => ({ kind: 'job lost', what: `${name} has no job of ${rule}` }))
  for (const [rule, times] of made) {
    const [job] = jobs.filter((one) => one.rule === rule)
    const about = job ? { job: job.id } : {}
    if (!rules.includes(rule)) problems.push({ kind: 'job unknown', what: `${name} has a job of ${rule}`, ...about })
    else if (times > 1) problems.push({ kind: 'job doubled', what: `${name} has ${times} jobs of ${rule}`, ...about })
  }
  return problems
}

function judgeEnd({ id, delivery, rule, status, failures }: JobRow, asked: string | undefined): Problem[] {
  const name = `${rule} of ${delivery}`
  const problems: Problem[] = []
  if (['pending', 'running', 'waiting'].includes(status)) {
    problems.push({ kind: 'job open', what: `${name} is ${status}`, job: id })
  }
  if (status === 'failed') problems.push({ kind: 'job failed', what: `${name} failed`, job: id })
  if (status === 'cancelled' && asked !== 'for good') {
    problems.push({ kind: 'job cancelled', what: `${name} is cancelled, which nobody asked for`, job: id })
  }
  if (failures > 0) {
    problems.push({ kind: 'attempt used up', what: `${name} has ${failures} failures, and none was its own`, job: id })
  }
  return problems
}

/** Every job that completed is reported by one event; no other is. */
function judgeReports(jobs: readonly JobRow[], events: readonly EventRow[]): Problem[] {
  const reported = countBy(events.flatMap(({ type, causeJob }) => (type === 'job.completed' ? [causeJob] : [])))
  return jobs.flatMap(({ id, delivery, rule, status }): Problem[] => {
    const times = reported.get(id) ?? 0
    const name = `${rule} of ${delivery}`
    if (times > 1) return [{ kind: 'job ended twice', what: `${name} was reported ${times} times`, job: id }]
    if (times === 1 && status !== 'completed') {
      return [{ kind: 'job ended twice', what: `${name} was reported as completed and is ${status}`, job: id }]
    }
    if (times === 1 || status !== 'completed') return []
    return [{ kind: 'job ended silently', what: `${name} completed, and no event says so`, job: id }]
  })
}
