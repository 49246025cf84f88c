// Which of GitHub's events a payload is, which GitHub itself says in an unsigned header only.

// The first whose keys are all there, so what is a part of another comes later.
const TELLING_KEYS: readonly (readonly [event: string, ...keys: string[]])[] = [
  ['pull_request_review_thread', 'pull_request', 'thread'],
  ['pull_request_review_comment', 'pull_request', 'comment'],
  ['pull_request_review', 'pull_request', 'review'],
  ['pull_request', 'pull_request', 'number'],
  ['issue_comment', 'issue', 'comment'],
  ['issues', 'issue', 'action'],
  ['discussion_comment', 'discussion', 'comment'],
  ['discussion', 'discussion'],
  ['deployment_review', 'workflow_run', 'since'],
  ['commit_comment', 'comment'],
  ['deployment_status', 'deployment_status'],
  ['workflow_job', 'workflow_job'],
  ['deployment_protection_rule', 'deployment', 'deployment_callback_url'],
  ['deployment', 'deployment'],
  ['workflow_run', 'workflow_run'],
  ['check_run', 'check_run'],
  ['check_suite', 'check_suite'],
  ['release', 'release'],
  ['push', 'ref', 'before', 'after'],
  ['create', 'ref_type', 'master_branch'],
  ['delete', 'ref_type', 'pusher_type'],
  ['status', 'sha', 'state', 'branches'],
  ['code_scanning_alert', 'alert', 'commit_oid'],
  ['fork', 'forkee'],
  ['merge_group', 'merge_group'],
  ['repository_dispatch', 'client_payload'],
  ['workflow_dispatch', 'workflow', 'ref'],
  ['ping', 'zen'],
]

/** Which of GitHub's events a payload is, by its keys; undefined when they do not show it. */
export function githubEventOf(payload: Record<string, unknown>): string | undefined {
  return TELLING_KEYS.find(([, ...keys]) => keys.every((key) => Object.hasOwn(payload, key)))?.[0]
}

// Their payloads say when it happened, or have an id of what came about. Not those that GitHub may
// send twice with the same bytes: a `repository_dispatch`, a star given again, a branch made again.
const UNLIKE_ANY_OTHER: ReadonlySet<string> = new Set([
  'push',
  'pull_request',
  'pull_request_review',
  'pull_request_review_comment',
  'issues',
  'issue_comment',
  'commit_comment',
  'discussion',
  'discussion_comment',
  'release',
  'deployment',
  'deployment_status',
  'status',
  'workflow_run',
  'workflow_job',
])

/**
 * Whether GitHub sends no second event with the same bytes, apart from changes there and back
 * within a second. Asked of what the event is said to be, and of what its payload shows it to be.
 */
export function isUnlikeAnyOther(event: string, payload: Record<string, unknown>): boolean {
  return UNLIKE_ANY_OTHER.has(event) || UNLIKE_ANY_OTHER.has(githubEventOf(payload) ?? '')
}

const FIRST_KEYS: ReadonlyMap<string, string | undefined> = new Map(TELLING_KEYS.map(([event, key]) => [event, key]))

/**
 * Whether a payload cannot be of the event it is said to be: it shows itself to be another one, or
 * lacks what that one always has. Of an event that is not known here nothing is said.
 */
export function isContradicted(event: string, payload: Record<string, unknown>): boolean {
  const key = FIRST_KEYS.get(event)
  if (key === undefined) return false
  const shown = githubEventOf(payload)
  return shown === undefined ? !Object.hasOwn(payload, key) : shown !== event
}
