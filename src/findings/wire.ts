// Findings on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { time } from '../lib/wire.ts'
import { COSTS, FINDING_STATUSES, SEVERITIES, SIDES } from './finding.ts'

/** What has become of a finding. */
export const findingStatus = z.enum(FINDING_STATUSES)

/** A finding with the pull request or the branch that it was made in. */
export const findingDetail = z
  .object({
    id: z.uuid(),
    repository: z.string().meta({ description: '`owner/name`' }),
    pull_request: z.int().nullable(),
    branch: z.string().nullable().meta({ description: 'The branch that was pushed to, without a pull request.' }),
    status: findingStatus,
    reason: z.string().nullable().meta({ description: 'Why it was dismissed.' }),
    reviewer: z.string(),
    category: z.string(),
    severity: z.enum(SEVERITIES),
    confidence: z.number(),
    cost: z.enum(COSTS).meta({ description: 'What it costs the author to check.' }),
    path: z.string(),
    side: z.enum(SIDES),
    line: z.int().nullable(),
    start_line: z.int().nullable(),
    title: z.string(),
    body: z.string(),
    suggestion: z.string().nullable(),
    fingerprint: z.string().meta({ description: 'Survives moved lines.' }),
    first_sha: z.string(),
    last_sha: z.string(),
    thread: z.string().nullable(),
    comment_url: z.string().nullable(),
    job_id: z.uuid().nullable(),
    created_at: time,
    updated_at: time,
    decided_at: time.nullable(),
  })
  .meta({ id: 'Finding' })
export type FindingDetail = z.infer<typeof findingDetail>

/** How often what a category finds in a repository is acted on. */
export const categoryPrecision = z
  .object({
    repository: z.string(),
    category: z.string(),
    accepted: z.int().meta({ description: 'Findings that a change of the code resolved.' }),
    dismissed: z.int(),
    open: z.int(),
    share: z.number().nullable().meta({ description: 'Accepted of those decided; null while none is.' }),
    muted: z.boolean().meta({ description: 'Whether its findings are not shown any more.' }),
  })
  .meta({ id: 'CategoryPrecision' })
export type CategoryPrecision = z.infer<typeof categoryPrecision>
