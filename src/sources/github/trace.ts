// What one of GitHub's events shows of who wrote what it reports.
import type { Trace } from '../../events/trace.ts'
import { decodeValue, markedKeys } from '../../lib/marker.ts'
import { readTrailer } from '../../lib/trailer.ts'
import { part } from '../fact.ts'
import { githubText } from './facts.ts'

type Payload = Record<string, unknown>

// What a publisher can cause without writing a text. Not `workflow_run` and the like: there the
// sender is whoever pushed, and what is reported is the work of others.
const TEXTLESS =
  /^(?:issues|pull_request|discussion|create|delete|deployment|deployment_status|status|label|pull_request_review_thread)$/
// The actions that bring the text of an issue, a pull request, a comment or a review.
const BRINGS_TEXT = /^(?:opened|created|edited|submitted)$/
const COMMENTS = /^(?:issue_comment|commit_comment|discussion_comment|pull_request_review|pull_request_review_comment)$/
const THREADS = /^(?:issues|pull_request|discussion)$/

/** The trace in a payload; undefined where there can be none. */
export function githubTrace(event: string, payload: Payload): Trace | undefined {
  if (event === 'push') return { keys: commitKeys(payload), hasText: true }
  const keys = markedKeys(bodyOf(payload))
  // GitHub makes a review without a text of each reply in a thread.
  if (event === 'pull_request_review' && bodyOf(payload) === '') return { keys, hasText: false }
  if (COMMENTS.test(event) || (THREADS.test(event) && BRINGS_TEXT.test(String(payload.action)))) {
    return { keys, hasText: true }
  }
  if (!TEXTLESS.test(event)) return undefined
  const named = namedIn(payload)
  return { keys, hasText: false, ...(named && { named }) }
}

/** What a label or a push to a pull request is about. */
function namedIn({ action, label, pull_request }: Payload): Trace['named'] {
  const { name } = part(label)
  const { ref } = part(part(pull_request).head)
  if ((action === 'labeled' || action === 'unlabeled') && typeof name === 'string') return { label: name }
  return action === 'synchronize' && typeof ref === 'string' ? { branch: ref } : undefined
}

function bodyOf(payload: Payload): string {
  const { body } = githubText(payload)
  return typeof body === 'string' ? body : ''
}

function commitKeys(payload: Payload): string[] {
  const { message } = part(payload.head_commit)
  const { key } = typeof message === 'string' ? readTrailer(message) : {}
  return key === undefined ? [] : [decodeValue(key)]
}
