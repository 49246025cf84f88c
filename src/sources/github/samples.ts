// Sample payloads in the form of GitHub's webhooks, with what rules and agents read.
import { randomBytes } from 'node:crypto'

/** What a sample is about. */
export type SampleOptions = {
  repository: string
  branch: string
  action?: string | undefined
  label: string
  /** The text of a comment. */
  comment?: string
  /** The pull request that a comment is on, in place of an issue. */
  pullRequest?: number
}

type Sample = (options: SampleOptions, at: Date) => Record<string, unknown>

const PERSON = { login: 'octocat', id: 583_231, type: 'User', html_url: 'https://github.com/octocat' }
const AUTHOR = { name: 'Octo Cat', email: 'octocat@example.com', username: 'octocat' }

function sha(): string {
  return randomBytes(20).toString('hex')
}

function repositoryOf({ repository, branch }: SampleOptions) {
  const [owner = '', name = ''] = repository.split('/')
  const html = `https://github.com/${repository}`
  return {
    id: 1_296_269,
    name,
    full_name: repository,
    private: false,
    owner: { login: owner, id: 1, type: 'Organization', html_url: `https://github.com/${owner}` },
    html_url: html,
    clone_url: `${html}.git`,
    default_branch: branch,
  }
}

function push(options: SampleOptions, at: Date) {
  const [before, after] = [sha(), sha()]
  const html = `https://github.com/${options.repository}`
  const commit = {
    id: after,
    tree_id: sha(),
    distinct: true,
    message: 'Shorten the greeting',
    timestamp: at.toISOString(),
    url: `${html}/commit/${after}`,
    author: AUTHOR,
    committer: AUTHOR,
    added: [],
    removed: [],
    modified: ['README.md'],
  }
  return {
    ref: `refs/heads/${options.branch}`,
    before,
    after,
    created: false,
    deleted: false,
    forced: false,
    base_ref: null,
    compare: `${html}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    commits: [commit],
    head_commit: commit,
    pusher: { name: AUTHOR.username, email: AUTHOR.email },
  }
}

function issues({ repository, action = 'opened', label }: SampleOptions, at: Date) {
  const labels = [{ id: 1, name: label, color: 'ededed' }]
  const issue = {
    number: 1,
    title: 'The greeting is too long',
    body: 'Please shorten it.',
    state: action === 'closed' ? 'closed' : 'open',
    user: PERSON,
    labels,
    html_url: `https://github.com/${repository}/issues/1`,
    created_at: at.toISOString(),
    updated_at: at.toISOString(),
  }
  return { action, issue, ...(/^(?:un)?labeled$/.test(action) && { label: labels[0] }) }
}

function issueComment(options: SampleOptions, at: Date) {
  const { repository, action = 'created', comment = 'Thank you.', pullRequest: number } = options
  const { issue } = issues({ ...options, action: 'opened' }, at)
  const html = `https://github.com/${repository}`
  const pull = number !== undefined && {
    number,
    html_url: `${html}/pull/${number}`,
    pull_request: { html_url: `${html}/pull/${number}` },
  }
  return {
    action,
    issue: { ...issue, ...pull },
    comment: {
      id: 1,
      body: comment,
      user: PERSON,
      author_association: 'COLLABORATOR',
      html_url: `${pull ? pull.html_url : issue.html_url}#issuecomment-1`,
      created_at: at.toISOString(),
      updated_at: at.toISOString(),
    },
  }
}

function pullRequest(options: SampleOptions, at: Date) {
  const { repository, branch, action = 'opened' } = options
  const repo = repositoryOf(options)
  return {
    action,
    number: 2,
    pull_request: {
      number: 2,
      title: 'Shorten the greeting',
      body: 'It was too long.',
      state: action === 'closed' ? 'closed' : 'open',
      draft: false,
      merged: action === 'closed',
      user: PERSON,
      labels: [],
      head: { ref: 'shorter', sha: sha(), repo },
      base: { ref: branch, sha: sha(), repo },
      html_url: `https://github.com/${repository}/pull/2`,
      created_at: at.toISOString(),
      updated_at: at.toISOString(),
    },
  }
}

function release({ repository, branch, action = 'published' }: SampleOptions, at: Date) {
  return {
    action,
    release: {
      id: 1,
      tag_name: 'v1.0.0',
      target_commitish: branch,
      name: 'v1.0.0',
      body: 'The first release.',
      draft: false,
      prerelease: false,
      author: PERSON,
      html_url: `https://github.com/${repository}/releases/tag/v1.0.0`,
      published_at: at.toISOString(),
    },
  }
}

function ping() {
  return { zen: 'Keep it logically awesome.', hook_id: 1, hook: { type: 'Repository', id: 1, active: true } }
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  push,
  issues,
  issue_comment: issueComment,
  pull_request: pullRequest,
  release,
  ping,
}

/** The events there are samples of. */
export const SAMPLE_EVENTS: readonly string[] = Object.keys(SAMPLES)

/** The payload of an event; undefined where there is no sample of it. */
export function githubSample(event: string, options: SampleOptions, at: Date): Record<string, unknown> | undefined {
  const sample = Object.hasOwn(SAMPLES, event) ? SAMPLES[event] : undefined
  return sample && { ...sample(options, at), ...commonSample(options) }
}

/** What nearly every payload has: who did it, and in which repository. */
export function commonSample(options: SampleOptions): Record<string, unknown> {
  const { action } = options
  return { ...(action !== undefined && { action }), repository: repositoryOf(options), sender: PERSON }
}
