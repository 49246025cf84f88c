// What the HTTP API takes and answers of findings, field by field. Times are ISO 8601 in UTC.
import type { PageQuery } from './api.ts'

/** What has become of a finding; `outdated`: what it was about is gone. */
export type FindingStatus = 'open' | 'resolved' | 'dismissed' | 'outdated'

/** What a review found, in a pull request or in what was pushed to a branch. */
export type Finding = {
  id: string
  repository: string
  pull_request: number | null
  branch: string | null
  status: FindingStatus
  /** Why it was dismissed. */
  reason: string | null
  reviewer: string
  category: string
  severity: 'high' | 'medium' | 'low'
  /** From 0 to 1. */
  confidence: number
  /** What it costs the author to check. */
  cost: 'low' | 'medium' | 'high'
  path: string
  side: 'LEFT' | 'RIGHT'
  line: number | null
  start_line: number | null
  title: string
  body: string
  suggestion: string | null
  /** Survives moved lines. */
  fingerprint: string
  first_sha: string
  last_sha: string
  thread: string | null
  comment_url: string | null
  job_id: string | null
  created_at: string
  updated_at: string
  decided_at: string | null
}

/** Which findings to list. */
export type FindingQuery = PageQuery & {
  repository?: string | undefined
  pull_request?: number | undefined
  branch?: string | undefined
  status?: FindingStatus | undefined
  category?: string | undefined
}

/** How often what a category finds is acted on; `share`: accepted of those decided. */
export type CategoryPrecision = {
  repository: string
  category: string
  /** Resolved by a change of the code. */
  accepted: number
  dismissed: number
  open: number
  share: number | null
  /** Whether its findings are not shown any more. */
  muted: boolean
}
