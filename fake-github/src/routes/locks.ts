// Conversations that only those with write access may go on with.
import { z } from 'zod'
import { emitIssue } from '../pulls.ts'
import type { ChangeCall } from '../route.ts'
import { change, noContent, readBody } from '../route.ts'
import { findIssue } from './issues.ts'

const LOCK = '/repos/{owner}/{repo}/issues/{issue_number}/lock'
const NEED = { need: 'issues:write|pull_requests:write' } as const
const lockBody = z.object({ lock_reason: z.enum(['off-topic', 'too heated', 'resolved', 'spam']).nullish() })

/** https://docs.github.com/en/rest/issues/issues#lock-an-issue */
export const lockRoutes = [
  change('PUT', LOCK, NEED, (call) => setLocked(call, true, readBody(call, 'Issue', lockBody).lock_reason ?? null)),
  change('DELETE', LOCK, NEED, (call) => setLocked(call, false, null)),
]

async function setLocked(call: ChangeCall, locked: boolean, reason: string | null) {
  const issue = findIssue(call, 'write')
  const changes = issue.locked !== locked
  issue.locked = locked
  issue.lockReason = reason
  if (changes) await emitIssue(call, issue, locked ? 'locked' : 'unlocked')
  return noContent()
}
