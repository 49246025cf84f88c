// What rules can ask about each of GitHub's events. Only fields used here are read; 52 of 329
// official examples fail the official schema.
import { commandIn } from '../../lib/command-text.ts'
import type { LooseFacts } from '../fact.ts'
import { count, labelNames, part, refFacts, sha, text } from '../fact.ts'

type Payload = Record<string, unknown>
type Reader = (payload: Payload) => LooseFacts

/** An issue, a pull request or a discussion. */
function thread(item: Payload): LooseFacts {
  return {
    number: count(item.number),
    author: text(part(item.user).login),
    labels: labelNames(item.labels),
  }
}

const issue: Reader = (payload) => {
  const item = part(payload.issue)
  return { ...thread(item), isPullRequest: item.pull_request === undefined ? undefined : true }
}
const discussion: Reader = (payload) => thread(part(payload.discussion))

const pullRequest: Reader = (payload) => {
  const item = part(payload.pull_request)
  const base = part(item.base)
  const head = part(item.head)
  return {
    ...thread(item),
    branch: text(base.ref),
    sha: sha(head.sha),
    isPullRequest: true,
    onDefaultBranch: isDefault(base.ref, base.repo),
    isDraft: typeof item.draft === 'boolean' ? item.draft : undefined,
    // The head's repository is null when the fork is gone.
    fromFork: head.repo === undefined ? undefined : part(head.repo).full_name !== part(base.repo).full_name,
  }
}

function isDefault(branch: unknown, repository: unknown): boolean | undefined {
  const { default_branch: main } = part(repository)
  return typeof branch === 'string' && typeof main === 'string' ? branch === main : undefined
}

// `pusher` is who GitHub let in; a commit's author is whatever its maker typed.
const push: Reader = (payload) => ({
  ...refFacts(payload.ref),
  onDefaultBranch: isDefault(refFacts(payload.ref).branch, payload.repository),
  sha: sha(payload.after),
  author: text(part(payload.pusher).name) ?? text(part(part(payload.head_commit).author).username),
  action: payload.deleted === true ? 'deleted' : payload.created === true ? 'created' : undefined,
})

const namedRef: Reader = (payload) => (payload.ref_type === 'tag' ? { tag: text(payload.ref) } : branchRef(payload))
const branchRef: Reader = (payload) => (payload.ref_type === 'branch' ? { branch: text(payload.ref) } : {})

const release: Reader = (payload) => {
  const item = part(payload.release)
  const prerelease = item.prerelease === true ? true : undefined
  return { tag: text(item.tag_name), author: text(part(item.author).login), prerelease }
}

function run(key: string): Reader {
  return (payload) => {
    const item = part(payload[key])
    return { branch: text(item.head_branch), sha: sha(item.head_sha) }
  }
}

const checkRun: Reader = (payload) => {
  const item = part(payload.check_run)
  return { branch: text(part(item.check_suite).head_branch), sha: sha(item.head_sha) }
}

/**
 * A deployment's `ref` is a branch, a tag or a commit, and does not say which: a commit is known by
 * its hash, a name is taken for a branch.
 */
const deployment: Reader = (payload) => {
  const item = part(payload.deployment)
  const status = part(payload.deployment_status)
  return {
    branch: sha(item.ref) === undefined ? text(item.ref) : undefined,
    ...refFacts(item.ref),
    sha: sha(item.sha),
    environment: text(status.environment) ?? text(item.environment),
    author: text(part(item.creator).login),
  }
}

const deploymentReview: Reader = (payload) => ({
  ...run('workflow_run')(payload),
  environment: text(payload.environment),
})

/**
 * GitHub lists up to ten branches that contain the commit; only a single one says where it belongs.
 */
const status: Reader = (payload) => {
  const branches = Array.isArray(payload.branches) ? payload.branches : []
  return {
    sha: sha(payload.sha),
    branch: branches.length === 1 ? text(part(branches[0]).name) : undefined,
    author: text(part(part(payload.commit).author).login),
  }
}

const mergeGroup: Reader = (payload) => {
  const item = part(payload.merge_group)
  return { ...refFacts(item.base_ref), sha: sha(item.head_sha) }
}

const commitComment: Reader = (payload) => {
  const item = part(payload.comment)
  return { sha: sha(item.commit_id), author: text(part(item.user).login) }
}

// A Map, not an object: an event called "constructor" must find nothing.
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['push', push],
  ['create', namedRef],
  ['delete', namedRef],
  ['issues', issue],
  ['issue_comment', issue],
  ['pull_request', pullRequest],
  ['pull_request_review', pullRequest],
  ['pull_request_review_comment', pullRequest],
  ['pull_request_review_thread', pullRequest],
  ['discussion', discussion],
  ['discussion_comment', discussion],
  ['release', release],
  ['check_run', checkRun],
  ['check_suite', run('check_suite')],
  ['workflow_run', run('workflow_run')],
  ['workflow_job', run('workflow_job')],
  ['deployment', deployment],
  ['deployment_status', deployment],
  ['deployment_review', deploymentReview],
  ['status', status],
  ['merge_group', mergeGroup],
  ['commit_comment', commitComment],
  ['code_scanning_alert', (payload) => ({ ...refFacts(payload.ref), sha: sha(payload.commit_oid) })],
  ['workflow_dispatch', (payload) => refFacts(payload.ref)],
  ['repository_dispatch', (payload) => ({ branch: text(payload.branch) })],
])

/** GitHub's events whose texts may give a command. */
export const COMMAND_EVENTS: readonly string[] = [
  'issues',
  'pull_request',
  'discussion',
  'issue_comment',
  'commit_comment',
  'discussion_comment',
  'pull_request_review',
  'pull_request_review_comment',
]
const BEGUN = /^(?:opened|created|submitted)$/

/** The command in a text that is new: what is edited later is none. */
function commandFacts(event: string, { action }: Payload, body: unknown): LooseFacts {
  if (!COMMAND_EVENTS.includes(event) || !BEGUN.test(String(action)) || typeof body !== 'string') return {}
  const found = commandIn(body)
  return found === null ? {} : { command: found.name, arguments: found.words.map((word) => text(word) ?? '') }
}

/**
 * The text that an event brings: a comment or a review is about an issue or pull request, which has
 * a text of its own.
 */
export function githubText(payload: Payload): Payload {
  const { comment, review, issue: about, pull_request: pull, discussion: talk } = payload
  return part(comment ?? review ?? about ?? pull ?? talk)
}

/** The facts of one of GitHub's events; of one not known here, those that every event may have. */
export function githubFacts(event: string, payload: Payload): LooseFacts {
  const sender = part(payload.sender)
  const written = githubText(payload)
  return {
    sender: text(sender.login),
    senderType: text(sender.type),
    textAuthor: text(part(written.user).login),
    association: text(written.author_association),
    ...commandFacts(event, payload, written.body),
    repository: text(part(payload.repository).full_name),
    action: text(payload.action),
    label: text(part(payload.label).name),
    ...READERS.get(event)?.(payload),
  }
}

/**
 * What the event is about, most exact first: `acme/shop#12`, `acme/shop@v1.2`, `acme/shop@main`,
 * `acme/shop`, then an organisation, an account or an advisory.
 */
export function githubSubject(about: LooseFacts, payload: Payload): string | null {
  const { repository } = about
  if (repository !== undefined) {
    if (about.number !== undefined) return `${repository}#${about.number}`
    const at = about.tag ?? about.branch ?? about.sha?.slice(0, 12)
    return at === undefined ? repository : (text(`${repository}@${at}`) ?? null)
  }
  return (
    text(part(payload.organization).login) ??
    text(part(part(payload.installation).account).login) ??
    text(part(part(payload.marketplace_purchase).account).login) ??
    text(part(part(part(payload.sponsorship).sponsorable)).login) ??
    text(part(payload.security_advisory).ghsa_id) ??
    null
  )
}
