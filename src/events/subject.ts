// What has happened about one subject lately: its events, why nothing followed from them, and what
// became of their jobs.
import type { Sql } from '../db/database.ts'
import type { Clock } from '../lib/clock.ts'

/** One event of a subject, and the jobs that followed from it. */
export type SubjectEvent = {
  id: string
  type: string
  actor: string | null
  status: string
  reason: string | null
  receivedAt: Date
  jobs: { rule: string; agent: string; status: string; error: string | null }[]
}

/** The record of subjects, for reading. */
export type SubjectRecord = {
  /**
   * Its newest events, at most `limit`, of the last 30 days, but for the jobs of these agents and
   * their ends.
   */
  eventsOf(subject: string, limit: number, options: { withoutAgents: readonly string[] }): Promise<SubjectEvent[]>
  /** Whether an agent has left a comment for it in the last so many milliseconds. */
  hasCommented(subject: string, agent: string, withinMs: number): Promise<boolean>
}

const LOOK_BACK_MS = 30 * 24 * 60 * 60 * 1000

/** Opens the record. */
export function subjectRecord(sql: Sql, clock: Clock): SubjectRecord {
  const since = (ms: number) => new Date(clock.now().getTime() - ms)
  return {
    async eventsOf(subject, limit, { withoutAgents }) {
      const { rows } = await sql.query<SubjectEvent>(
        `select e.id, e.type, e.actor, e.status, e.reason, e.received_at as "receivedAt",
           (select coalesce(json_agg(json_build_object('rule', rule, 'agent', agent, 'status', j.status, 'error', error)
              order by j.created_at, j.id), '[]') from signalbox.jobs j where j.event_id = e.id and agent <> all($4)) as jobs
         from signalbox.events e where lower(subject) = lower($1) and received_at > $2 and not (e.source = 'signalbox' and exists (
           select from signalbox.jobs j where j.id = e.cause_job_id and agent = any($4)))
         order by received_at desc, id desc limit $3`,
        [subject, since(LOOK_BACK_MS), limit, withoutAgents],
      )
      return rows
    },
    async hasCommented(subject, agent, withinMs) {
      const { rows } = await sql.query<{ found: boolean }>(
        `select exists (
           select from signalbox.jobs j join signalbox.events e on e.id = j.event_id
             join signalbox.outputs o on o.job_id = j.id
           where j.created_at > $3 and j.agent = $2 and e.subject = $1 and o.kind = 'comment'
         ) as found`,
        [subject, agent, since(withinMs)],
      )
      return rows[0]?.found ?? false
    },
  }
}
