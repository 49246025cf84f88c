// Writes what a review left, in the transaction that remembers its run.
import type { Sql } from '../db/database.ts'
import { storable, storableJson } from '../db/text.ts'
import type { Clock } from '../lib/clock.ts'
import { idFor } from '../lib/id.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { Found, Review, Scope } from './finding.ts'

/** A scope as rows have it. */
export type ScopeRow = { repository: string; pullRequest: number | null; branch: string | null }

/** The columns of a scope. */
export function scopeRow(scope: Scope): ScopeRow {
  const repository = plainRepositoryName(scope.repository)
  return 'branch' in scope
    ? { repository, pullRequest: null, branch: storable(scope.branch) }
    : { repository, pullRequest: scope.pullRequest, branch: null }
}

/** The rows of a scope ($1 repository, $2 pull request, $3 branch). */
export const OF_SCOPE = `repository = $1 and coalesce(pull_request, 0) = coalesce($2::integer, 0)
  and coalesce(branch, '') = coalesce($3::text, '')`

/** Stores a review. Storing it twice changes nothing. */
export async function storeReview(sql: Sql, clock: Clock, jobId: string, review: Review): Promise<void> {
  const scope = scopeRow(review.scope)
  await storeLast(sql, clock, { scope, jobId, review })
  await storeFound(sql, clock, { scope, jobId, review })
  await storeChanges(sql, clock, { scope, review })
  if (review.reviewed !== undefined) await storeReviewed(sql, clock, { scope, jobId, reviewed: review.reviewed })
}

type Part = { scope: ScopeRow; jobId: string; review: Review }

async function storeLast(sql: Sql, clock: Clock, { scope, jobId, review }: Part): Promise<void> {
  const { repository, pullRequest, branch } = scope
  await sql.query(
    `insert into signalbox.reviews (repository, pull_request, branch, sha, patch, job_id, reviewed_at)
     values ($1, $2, $3, $4, $5, $6, coalesce($7::timestamptz, now()))
     on conflict (repository, coalesce(pull_request, 0), coalesce(branch, ''))
       do update set sha = excluded.sha, patch = excluded.patch, job_id = excluded.job_id,
         reviewed_at = excluded.reviewed_at`,
    [repository, pullRequest, branch, review.sha, review.patch ?? null, jobId, clock.sqlNow()],
  )
}

/** What was dismissed in the repository is not found again, whichever pull request it is in. */
async function storeFound(sql: Sql, clock: Clock, { scope, jobId, review }: Part): Promise<void> {
  const { repository, pullRequest, branch } = scope
  // Each once, and in one order, so that two reviews of a scope wait for each other's rows in turn.
  const found = [...new Map(review.found.map((each) => [each.fingerprint, each])).values()]
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1))
    .map((each) => ({
      ...each,
      id: idFor('finding', repository, String(pullRequest), String(branch), each.fingerprint),
    }))
  if (found.length === 0) return
  await sql.query(
    `insert into signalbox.findings as stored (id, repository, pull_request, branch, fingerprint, reviewer, category,
       severity, confidence, cost, path, side, line, start_line, title, body, suggestion, first_sha, last_sha, job_id,
       created_at, updated_at)
     select id, $1, $2, $3, fingerprint, reviewer, category, severity, confidence, cost, path, side, line, "startLine",
       title, body, suggestion, $4, $4, $5, at, at
     from json_to_recordset($6::json) as found (id uuid, fingerprint text, reviewer text, category text, severity text,
       confidence double precision, cost text, path text, side text, line integer, "startLine" integer, title text,
       body text, suggestion text), coalesce($7::timestamptz, now()) as at
     where not exists (select from signalbox.findings as other
       where other.repository = $1 and other.fingerprint = found.fingerprint and other.status = 'dismissed')
     on conflict (repository, coalesce(pull_request, 0), coalesce(branch, ''), fingerprint) do update set
       severity = excluded.severity, confidence = excluded.confidence, cost = excluded.cost, path = excluded.path,
       side = excluded.side, line = excluded.line, start_line = excluded.start_line, title = excluded.title,
       body = excluded.body, suggestion = excluded.suggestion, last_sha = excluded.last_sha, job_id = excluded.job_id,
       updated_at = excluded.updated_at, status = 'open', reason = null, decided_at = null
       where stored.status <> 'dismissed'`,
    [repository, pullRequest, branch, review.sha, jobId, storableJson(found), clock.sqlNow()],
  )
}

async function storeChanges(sql: Sql, clock: Clock, { scope, review }: Omit<Part, 'jobId'>): Promise<void> {
  if (review.changes.length === 0) return
  await sql.query(
    `update signalbox.findings as stored set thread = coalesce(change.thread, stored.thread),
       comment_url = coalesce(change."commentUrl", stored.comment_url),
       status = case when stored.status = 'dismissed' then stored.status else coalesce(change.status, stored.status) end,
       reason = case when stored.status = 'dismissed' or change.status is null then stored.reason else change.reason end,
       decided_at = case when stored.status = 'dismissed' or change.status is null then stored.decided_at else at end,
       updated_at = at
     from json_to_recordset($4::json) as change
       (fingerprint text, status text, reason text, thread text, "commentUrl" text), coalesce($5::timestamptz, now()) as at
     where ${OF_SCOPE} and stored.fingerprint = change.fingerprint`,
    [scope.repository, scope.pullRequest, scope.branch, storableJson([...review.changes]), clock.sqlNow()],
  )
  const dismissed = review.changes.filter(({ status }) => status === 'dismissed')
  for (const { fingerprint, reason = null } of dismissed) {
    await dismissEverywhere(sql, clock, { repository: scope.repository, fingerprint, reason })
  }
}

/** Dismisses a fingerprint wherever the repository has it. */
export async function dismissEverywhere(
  sql: Sql,
  clock: Clock,
  { repository, fingerprint, reason }: { repository: string; fingerprint: string; reason: string | null },
): Promise<void> {
  await sql.query(
    `update signalbox.findings set status = 'dismissed', reason = $3, decided_at = at, updated_at = at
     from coalesce($4::timestamptz, now()) as at
     where repository = $1 and fingerprint = $2 and status <> 'dismissed'`,
    [repository, fingerprint, reason, clock.sqlNow()],
  )
}

async function storeReviewed(
  sql: Sql,
  clock: Clock,
  { scope, jobId, reviewed }: { scope: ScopeRow; jobId: string; reviewed: Record<string, readonly Found[]> },
): Promise<void> {
  const { repository, pullRequest, branch } = scope
  const rows = Object.entries(reviewed).map(([key, found]) => ({ key, found }))
  const keys = rows.map(({ key }) => key).sort()
  await sql.query(`delete from signalbox.reviewed_files where ${OF_SCOPE} and key <> all($4)`, [
    repository,
    pullRequest,
    branch,
    keys,
  ])
  await sql.query(
    `insert into signalbox.reviewed_files (repository, pull_request, branch, key, found, job_id, created_at)
     select $1, $2, $3, key, found, $4, coalesce($6::timestamptz, now())
     from json_to_recordset($5::json) as reviewed (key text, found json) order by key
     on conflict (repository, coalesce(pull_request, 0), coalesce(branch, ''), key)
       do update set found = excluded.found, job_id = excluded.job_id`,
    [repository, pullRequest, branch, jobId, storableJson(rows), clock.sqlNow()],
  )
}
