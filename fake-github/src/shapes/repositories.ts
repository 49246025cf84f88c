// Repositories as GitHub shows them.
import { hasRole } from '../access.ts'
import type { Hub } from '../hub.ts'
import { isoTime } from '../hub.ts'
import type { Repository, Role } from '../state.ts'
import { accountShape } from './accounts.ts'
import { nodeId } from './node-id.ts'

const LINKS = {
  archive: '/{archive_format}{/ref}',
  assignees: '/assignees{/user}',
  blobs: '/git/blobs{/sha}',
  branches: '/branches{/branch}',
  collaborators: '/collaborators{/collaborator}',
  comments: '/comments{/number}',
  commits: '/commits{/sha}',
  compare: '/compare/{base}...{head}',
  contents: '/contents/{+path}',
  contributors: '/contributors',
  deployments: '/deployments',
  downloads: '/downloads',
  events: '/events',
  forks: '/forks',
  git_commits: '/git/commits{/sha}',
  git_refs: '/git/refs{/sha}',
  git_tags: '/git/tags{/sha}',
  hooks: '/hooks',
  issue_comment: '/issues/comments{/number}',
  issue_events: '/issues/events{/number}',
  issues: '/issues{/number}',
  keys: '/keys{/key_id}',
  labels: '/labels{/name}',
  languages: '/languages',
  merges: '/merges',
  milestones: '/milestones{/number}',
  notifications: '/notifications{?since,all,participating}',
  pulls: '/pulls{/number}',
  releases: '/releases{/id}',
  stargazers: '/stargazers',
  statuses: '/statuses/{sha}',
  subscribers: '/subscribers',
  subscription: '/subscription',
  tags: '/tags',
  teams: '/teams',
  trees: '/git/trees{/sha}',
}

/** `owner/name`. */
export function fullName(repo: Repository): string {
  return `${repo.owner.login}/${repo.name}`
}

/** A repository's place in the REST API. */
export function repositoryUrl(hub: Hub, repo: Repository): string {
  return `${hub.apiUrl}/repos/${fullName(repo)}`
}

/** A repository's page. */
export function repositoryPage(hub: Hub, repo: Repository): string {
  return `${hub.url}/${fullName(repo)}`
}

/** A repository as in `GET /repos/{owner}/{repo}` and in every webhook. */
export function repositoryShape(hub: Hub, repo: Repository) {
  const api = repositoryUrl(hub, repo)
  const html = repositoryPage(hub, repo)
  const host = new URL(hub.url).host
  const open = [...repo.issues.values()].filter((issue) => issue.state === 'open').length
  return {
    id: repo.id,
    node_id: nodeId('Repository', repo.id),
    name: repo.name,
    full_name: fullName(repo),
    private: repo.private,
    owner: accountShape(hub, repo.owner),
    html_url: html,
    description: repo.description,
    fork: false,
    url: api,
    ...Object.fromEntries(Object.entries(LINKS).map(([name, path]) => [`${name}_url`, `${api}${path}`])),
    created_at: isoTime(repo.createdAtMs),
    updated_at: isoTime(repo.pushedAtMs),
    pushed_at: isoTime(repo.pushedAtMs),
    git_url: `git://${host}/${fullName(repo)}.git`,
    ssh_url: `git@${host}:${fullName(repo)}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    size: 0,
    stargazers_count: 0,
    watchers_count: 0,
    language: null,
    has_issues: true,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    forks_count: 0,
    archived: false,
    disabled: false,
    open_issues_count: open,
    license: null,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: repo.topics,
    visibility: repo.private ? 'private' : 'public',
    forks: 0,
    open_issues: open,
    watchers: 0,
    default_branch: repo.defaultBranch,
  }
}

/** What somebody may do in a repository, as GitHub lists it: each right with those below it. */
export function permissionsShape(role: Role) {
  return {
    admin: hasRole(role, 'admin'),
    maintain: hasRole(role, 'maintain'),
    push: hasRole(role, 'write'),
    triage: hasRole(role, 'triage'),
    pull: hasRole(role, 'read'),
  }
}

/** The push event dates its repository in seconds since the epoch, unlike all others. */
export function pushedRepository(hub: Hub, repo: Repository) {
  return {
    owner: { name: repo.owner.login, email: null, ...accountShape(hub, repo.owner) },
    url: repositoryPage(hub, repo),
    created_at: Math.floor(repo.createdAtMs / 1000),
    pushed_at: Math.floor(repo.pushedAtMs / 1000),
    stargazers: 0,
    master_branch: repo.defaultBranch,
  }
}
