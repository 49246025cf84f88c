// Reading findings: for agents, and the lists that people look at.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import type { Clock } from '../lib/clock.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import { plainRepositoryName } from '../lib/repository.ts'
import type { FindingStatus, Found, LastReview, Ledger, StoredFinding } from './finding.ts'
import type { Muting } from './precision.ts'
import { precisionOf } from './precision.ts'
import { dismissEverywhere, OF_SCOPE, scopeRow } from './store.ts'
import type { FindingDetail } from './wire.ts'

/** Which findings to list; all of them if nothing is given. */
export type FindingFilter = {
  repository?: string | undefined
  pull_request?: number | undefined
  branch?: string | undefined
  status?: FindingStatus | undefined
  category?: string | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/** What agents may ask, over a database. */
export function ledgerOn(sql: Sql, muting: Muting): Ledger {
  return {
    async of(scope) {
      const { repository, pullRequest, branch } = scopeRow(scope)
      const { rows } = await sql.query<StoredFinding & { startLine: number | null; suggestion: string | null }>(
        `select id, fingerprint, reviewer, category, severity, confidence, cost, path, side, line,
           start_line as "startLine", title, body, suggestion, status, reason, first_sha as "firstSha",
           last_sha as "lastSha", thread, comment_url as "commentUrl"
         from signalbox.findings where ${OF_SCOPE} order by created_at, id`,
        [repository, pullRequest, branch],
      )
      return rows.map(({ startLine, suggestion, ...row }) => ({
        ...row,
        ...(startLine === null ? {} : { startLine }),
        ...(suggestion === null ? {} : { suggestion }),
      }))
    },
    async dismissed(repository, fingerprints) {
      const { rows } = await sql.query<{ fingerprint: string }>(
        `select distinct fingerprint from signalbox.findings
         where repository = $1 and fingerprint = any($2) and status = 'dismissed' order by fingerprint`,
        [plainRepositoryName(repository), fingerprints],
      )
      return rows.map(({ fingerprint }) => fingerprint)
    },
    async muted(repository) {
      const categories = await precisionOf(sql, muting, plainRepositoryName(repository))
      return categories.flatMap(({ category, muted }) => (muted ? [category] : []))
    },
    async last(scope) {
      const { repository, pullRequest, branch } = scopeRow(scope)
      const { rows } = await sql.query<LastReview>(`select sha, patch from signalbox.reviews where ${OF_SCOPE}`, [
        repository,
        pullRequest,
        branch,
      ])
      return rows[0] ?? null
    },
    async reviewed(scope) {
      const { repository, pullRequest, branch } = scopeRow(scope)
      const { rows } = await sql.query<{ key: string; found: Found[] }>(
        `select key, found from signalbox.reviewed_files where ${OF_SCOPE}`,
        [repository, pullRequest, branch],
      )
      return Object.fromEntries(rows.map(({ key, found }) => [key, found]))
    },
  }
}

const DETAIL = `id, repository, pull_request, branch, status, reason, reviewer, category, severity, confidence, cost, path,
  side, line, start_line, title, body, suggestion, fingerprint, first_sha, last_sha, thread, comment_url, job_id,
  ${isoTime('created_at')} as created_at, ${isoTime('updated_at')} as updated_at, ${isoTime('decided_at')} as decided_at`

/**
 * Lists findings, newest first.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listFindings(sql: Sql, filter: FindingFilter = {}): Promise<Page<FindingDetail>> {
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<FindingDetail>(
    `select ${DETAIL} from signalbox.findings f
     where ($1::text is null or repository = $1) and ($2::integer is null or pull_request = $2)
       and ($3::text is null or branch = $3) and ($4::text is null or status = $4)
       and ($5::text is null or category = $5)
       and ($6::uuid is null or (f.created_at, id) < (select created_at, id from signalbox.findings where id = $6))
     order by f.created_at desc, id desc limit $7`,
    [
      filter.repository === undefined ? null : plainRepositoryName(filter.repository),
      filter.pull_request ?? null,
      filter.branch ?? null,
      filter.status ?? null,
      filter.category ?? null,
      readCursor(filter.cursor),
      limit + 1,
    ],
  )
  return pageOf(rows, limit)
}

/**
 * One finding.
 * @throws AppError `not_found` when there is no such finding.
 */
export async function getFinding(sql: Sql, id: string): Promise<FindingDetail> {
  const { rows } = isUuid(id)
    ? await sql.query<FindingDetail>(`select ${DETAIL} from signalbox.findings where id = $1`, [id])
    : { rows: [] }
  if (rows[0] === undefined) throw new AppError('not_found', `There is no finding ${JSON.stringify(id)}.`)
  return rows[0]
}

/**
 * Dismisses a finding for good, in the whole repository: no later review reports it again.
 * @throws AppError `not_found` when there is no such finding.
 */
export async function dismissFinding(
  sql: Sql,
  clock: Clock,
  { id, reason = null }: { id: string; reason?: string | null | undefined },
): Promise<FindingDetail> {
  const { repository, fingerprint } = await getFinding(sql, id)
  await dismissEverywhere(sql, clock, { repository, fingerprint, reason })
  return getFinding(sql, id)
}
