// An issue: one for each key in a repository, opened once and then edited, closed or opened again.
import { z } from 'zod'
import type { WriteForge } from '../forges/forge.ts'
import type { Issue } from '../forges/issues.ts'
import { withMarker } from '../lib/marker.ts'
import { missing } from './names.ts'
import type { Receipt } from './output.ts'
import { body, common, key, names } from './output-fields.ts'
import { findOwn, isNewer, jobKey } from './own.ts'
import type { Author } from './publish.ts'

/** An issue. */
export const issueOutput = z
  .strictObject({
    kind: z.literal('issue'),
    ...common,
    title: z.string().min(1).max(250),
    body,
    labels: names.optional(),
    assignees: names.optional(),
    /**
     * `open`: opened if it is not there; one that a person closed stays closed. `closed`: closed if
     * it is there, and otherwise nothing.
     */
    state: z.enum(['open', 'closed']).optional(),
    /** Why it is closed. Default `completed`. */
    reason: z.enum(['completed', 'not_planned']).optional(),
    /** What the issue is about: jobs that say the same key write the same issue. */
    key,
  })
  .refine(({ state, reason }) => reason === undefined || state === 'closed', {
    path: ['reason'],
    error: 'is allowed only with the state "closed"',
  })

/** What an agent says of an issue. */
export type IssueOutput = z.infer<typeof issueOutput>

/**
 * Opens the issue, or makes ours as it should be; null when it is to be closed and is not there.
 * Two jobs may open it at the same moment: both then keep the older, and close the other.
 */
export async function publishIssue(forge: WriteForge, output: IssueOutput, job: Author): Promise<Receipt | null> {
  const { repository, title, state = 'open' } = output
  const marked = `issue=${output.key}`
  const order = job.createdAt?.getTime()
  const text = withMarker(output.body, { keys: [marked, jobKey(job, marked)], order }, forge.maxBodyChars)
  const oldestFirst = async () =>
    (await findOwn(forge, repository, await forge.ownIssues(repository), marked)).toReversed()
  const before = await oldestFirst()
  if (before.length === 0 && state === 'closed') return null
  const made = before.length === 0 ? await forge.createIssue(repository, { title, body: text }) : null
  const [first = made, ...others] = made === null ? before : await oldestFirst()
  if (first === null || first === undefined) return null
  for (const other of others) await closeSecond(forge, repository, other)
  if (isNewer(first.body, order)) return receiptOf(first, false)
  const issue = await update(forge, { output, issue: first, text })
  return receiptOf(issue, issue.number === made?.number)
}

function receiptOf({ url, number }: Issue, created: boolean): Receipt {
  return { url, number, created }
}

async function closeSecond(forge: WriteForge, repository: string, { number, state }: Issue): Promise<void> {
  if (state === 'open') await forge.updateIssue(repository, number, { state: 'closed', reason: 'not_planned' })
}

type Update = { output: IssueOutput; issue: Issue; text: string }

async function update(forge: WriteForge, { output, issue, text }: Update): Promise<Issue> {
  const { repository, title, state = 'open', reason, labels = [], assignees = [] } = output
  const closes = state === 'closed' && issue.state === 'open'
  const edit = issue.title === title && issue.body === text ? {} : { title, body: text }
  const change = { ...edit, ...(closes ? { state, reason: reason ?? ('completed' as const) } : {}) }
  const { number } = issue
  const changed = Object.keys(change).length > 0 ? await forge.updateIssue(repository, number, change) : issue
  const newLabels = missing(labels, issue.labels)
  if (newLabels.length > 0) await forge.addLabels(repository, { issue: number }, newLabels)
  const newAssignees = missing(assignees, issue.assignees)
  if (newAssignees.length > 0) await forge.addAssignees(repository, number, newAssignees)
  return changed
}
