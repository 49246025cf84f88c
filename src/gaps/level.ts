// What stands open and lacks the job that a rule would make of it, whatever webhooks came: pull
// requests whose head no job is about, issues with a label, and deployments.
import { createHash } from 'node:crypto'
import type { Sql } from '../db/database.ts'
import type { Draft, Event, NewJob } from '../events/event.ts'
import type { OpenForge, Standing } from '../forges/hooks.ts'
import type { Clock } from '../lib/clock.ts'
import { compileGlobs, LOGIN, NAME } from '../lib/glob.ts'
import type { InstalledRule } from '../rules/rule.ts'
import { SOURCE } from './store.ts'
import type { Lacking, LevelCheck } from './wire.ts'

// Who opens a repository with old pull requests does not want a review of each.
const RECENT_MS = 30 * 24 * 60 * 60_000

type Foreseen = { draft: Draft; jobs: NewJob[] }
type Kept = { headers: { get(name: string): string | null }; payload: string }

/** What the check needs. */
export type LevelParts = {
  database: Sql
  clock: Clock
  open: OpenForge
  repositories: readonly string[]
  rules: readonly InstalledRule[]
  foresee(source: string, kept: Kept, from: string): Promise<Foreseen>
  eventOf(id: string): Promise<Event | null>
  foreseeAgain(event: Event, deliveryId: string): Promise<Foreseen>
  recordFor(draft: Draft, rules: readonly string[]): Promise<{ jobIds: string[] }>
}

type Candidate = Foreseen & { kind: Lacking['kind'] }

/** Looks at everything, and with `isFixing` has the jobs made. */
export async function checkLevel(parts: LevelParts, { isFixing }: { isFixing: boolean }): Promise<LevelCheck> {
  const since = new Date(parts.clock.now().getTime() - RECENT_MS)
  const candidates: Candidate[] = []
  for (const repository of parts.repositories) {
    candidates.push(...(await ofPullRequests(parts, repository, since)))
    candidates.push(...(await ofIssues(parts, repository, since)))
  }
  candidates.push(...(await ofDeployments(parts, since)))
  const lacking = await withoutJobs(parts, candidates)
  const done = await recordedBefore(parts.database, lacking)
  const items: Lacking[] = []
  for (const { kind, draft, rules } of lacking) {
    const deliveryId = levelId(draft, rules)
    if (done.has(deliveryId)) continue
    const jobIds = isFixing ? (await parts.recordFor({ ...draft, deliveryId }, rules)).jobIds : []
    items.push({ kind, subject: draft.subject ?? '', type: draft.type, rules, actor: draft.actor, jobs: jobIds })
  }
  return { fixed: isFixing, items }
}

/** The same thing at the same commit has one id, so that it gets its jobs once. */
function levelId({ type, subject, facts, deliveryId }: Draft, rules: readonly string[]): string {
  const about = JSON.stringify([type, subject, facts.sha, facts.label, deliveryId, [...rules].sort()])
  return `level_${createHash('sha256').update(about).digest('hex').slice(0, 40)}`
}

/** Those that a check had jobs made of before. */
async function recordedBefore(
  sql: Sql,
  lacking: readonly { draft: Draft; rules: readonly string[] }[],
): Promise<Set<string>> {
  const { rows } = await sql.query<{ id: string }>(
    'select delivery_id as id from signalbox.events where source = any($1) and delivery_id = any($2)',
    [lacking.map(({ draft }) => draft.source), lacking.map(({ draft, rules }) => levelId(draft, rules))],
  )
  return new Set(rows.map(({ id }) => id))
}

function kept(event: string, payload: object): Kept {
  const headers: Record<string, string> = { 'x-github-event': event, 'x-github-delivery': 'level' }
  const get = (name: string) => headers[name.toLowerCase()] ?? null
  // octokit makes `bigint` of large numbers.
  const text = JSON.stringify(payload, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
  return { headers: { get }, payload: text }
}

async function ofPullRequests(parts: LevelParts, repository: string, since: Date): Promise<Candidate[]> {
  if (!wants(parts.rules, 'pull_request.synchronize') && !wants(parts.rules, 'pull_request.opened')) return []
  const candidates: Candidate[] = []
  for (const pull of await parts.open.pullRequests(repository, since)) {
    for (const action of ['synchronize', 'opened']) {
      const { number, user, base } = pull as { number: number; user: Standing; base: { repo: Standing } }
      const foresee = (sender: object) => {
        const payload = { action, number, pull_request: pull, repository: base.repo, sender }
        return parts.foresee(SOURCE, kept('pull_request', payload), 'level check')
      }
      const ofAuthor = await foresee(user)
      const sender = await whoPushed(parts.database, ofAuthor.draft)
      const foreseen = sender === null ? ofAuthor : await foresee(sender)
      if (foreseen.jobs.length === 0) continue
      candidates.push({ ...foreseen, kind: 'pull_request' })
      break
    }
  }
  return candidates
}

/**
 * Who sent the head of a pull request, where its webhook came: its author must not answer for what
 * somebody else has pushed.
 */
async function whoPushed(sql: Sql, { subject, facts }: Draft): Promise<{ login: string; type: string | null } | null> {
  const { rows } = await sql.query<{ login: string; type: string | null }>(
    `select facts ->> 'sender' as login, facts ->> 'senderType' as type from signalbox.events
     where source = $1 and lower(subject) = lower($2) and facts ->> 'sha' = $3 and facts ->> 'sender' is not null
       and type in ('pull_request.opened', 'pull_request.synchronize') and delivery_id not like 'level\\_%'
     order by id desc limit 1`,
    [SOURCE, subject, facts.sha],
  )
  return rows[0] ?? null
}

async function ofIssues(parts: LevelParts, repository: string, since: Date): Promise<Candidate[]> {
  const isWanted = labelsOf(parts.rules)
  if (isWanted === null) return []
  const candidates: Candidate[] = []
  const issues = await parts.open.issues(repository, since)
  const whole = issues.length === 0 ? {} : await parts.open.repository(repository)
  for (const issue of issues) {
    const { number, labels } = issue as { number: number; labels: readonly { name: string }[] }
    for (const label of labels.filter(({ name }) => isWanted(name))) {
      // Who may trigger a rule is asked of whoever gave the label.
      const sender = await parts.open.labelledBy(repository, number, label.name)
      if (sender === null) continue
      const payload = { action: 'labeled', issue, label, repository: whole, sender }
      const foreseen = await parts.foresee(SOURCE, kept('issues', payload), 'level check')
      candidates.push({ ...foreseen, kind: 'issue' })
    }
  }
  return candidates
}

async function ofDeployments(parts: LevelParts, since: Date): Promise<Candidate[]> {
  if (!wants(parts.rules, 'environment.deployed')) return []
  const candidates: Candidate[] = []
  for (const id of await undocumented(parts.database, since)) {
    const event = await parts.eventOf(id)
    if (event === null) continue
    candidates.push({ ...(await parts.foreseeAgain(event, event.deliveryId)), kind: 'deployment' })
  }
  return candidates
}

/** The events of deployments without a job and without a pull request: the newest of each app. */
async function undocumented(sql: Sql, since: Date): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(
    `with newest as (
       select distinct on (project_id, app_name, environment) id, event_id, created_at
       from signalbox.deployments where created_at >= $1
       order by project_id, app_name, environment, sequence desc
     )
     select event_id as id from newest
     where not exists (select from signalbox.jobs where jobs.event_id = newest.event_id)
       and not exists (select from signalbox.deployment_pull_requests as p where p.deployment_id = newest.id)
     order by created_at`,
    [since],
  )
  return rows.map(({ id }) => id)
}

/** Whether a rule that is on may want the type. */
function wants(rules: readonly InstalledRule[], type: string): boolean {
  return rules.some(({ on, off }) => off === undefined && compileGlobs(on, NAME)(type))
}

/** Which labels rules want of issues; null when none does. */
function labelsOf(rules: readonly InstalledRule[]): ((label: string) => boolean) | null {
  const wanted = rules.flatMap(({ on, off, when }) => {
    const isForLabels = off === undefined && compileGlobs(on, NAME)('issues.labeled') && when?.label !== undefined
    return isForLabels ? [compileGlobs(when.label ?? [], LOGIN)] : []
  })
  return wanted.length === 0 ? null : (label) => wanted.some((matches) => matches(label))
}

/** The candidates that no job of the same agent is about, with the rules that would make one. */
async function withoutJobs({ database, rules }: LevelParts, candidates: readonly Candidate[]) {
  const byCommand = new Set(rules.filter(({ command }) => command !== undefined).map(({ name }) => name))
  const subjects = [...new Set(candidates.map(({ draft }) => draft.subject))]
  const { rows } = await database.query<{ agent: string; subject: string; sha: string | null }>(
    `select distinct jobs.agent, events.subject, events.facts ->> 'sha' as sha
     from signalbox.events join signalbox.jobs on jobs.event_id = events.id where lower(events.subject) = any($1)`,
    [subjects.map((subject) => subject?.toLowerCase())],
  )
  const known = new Set(rows.map((row) => JSON.stringify([row.agent, row.subject, row.sha])))
  const hasJob = ({ kind, draft }: Candidate, { agent }: NewJob) =>
    // Of a deployment it is known already that its event has none.
    kind !== 'deployment' && known.has(JSON.stringify([agent, draft.subject, draft.facts.sha ?? null]))
  return candidates.flatMap((candidate) => {
    // A text that gave a command once gives it no second time.
    const lacking = candidate.jobs.filter((job) => !byCommand.has(job.rule) && !hasJob(candidate, job))
    return lacking.length === 0 ? [] : [{ ...candidate, rules: lacking.map(({ rule }) => rule) }]
  })
}
