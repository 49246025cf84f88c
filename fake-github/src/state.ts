// Everything the fake remembers beside the git objects: plain data, no behaviour.
import type { Exchange } from './exchange.ts'
import type {
  CheckRun,
  CheckSuite,
  CommitStatus,
  Deployment,
  Environment,
  Milestone,
  Reaction,
  Review,
  ReviewComment,
} from './records.ts'

/** What a person may do in a repository, weakest first. */
export const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Permissions of an App, an installation token or a fine-grained token. */
export type Permissions = Record<string, 'read' | 'write' | 'admin'>

/** A user, an organisation or a bot. */
export type Account = {
  id: number
  login: string
  type: 'User' | 'Organization' | 'Bot'
  /** Who belongs to an organisation, by login; an `admin` owns it. */
  members: Map<string, 'member' | 'admin'>
  /** An organisation's teams, by slug. */
  teams: Map<string, Team>
  /** An organisation's webhooks. */
  hooks: Map<number, Hook>
  createdAtMs: number
}

/** People of an organisation, and what they may do in its repositories. */
export type Team = {
  id: number
  org: Account
  slug: string
  name: string
  description: string | null
  privacy: 'closed' | 'secret'
  /** By login. */
  members: Map<string, 'member' | 'maintainer'>
  /** Role by the repository's id. */
  repositories: Map<number, Role>
  createdAtMs: number
}

/** A credential and what it may do; `permissions` null means a classic token, ruled by `scopes`. */
export type Token = {
  value: string
  account: Account
  scopes: string[]
  permissions: Permissions | null
  installation: Installation | null
  repositoryIds: Set<number> | null
  expiresAtMs: number | null
  revoked: boolean
  used: number
}

/** A GitHub App. */
export type App = {
  id: number
  slug: string
  owner: Account
  bot: Account
  privateKeyPem: string
  publicKeyPem: string
  permissions: Permissions
  events: string[]
  hook: Hook | null
  createdAtMs: number
}

/** An App on an account's repositories. */
export type Installation = {
  id: number
  app: App
  account: Account
  /** null means all repositories of the account. */
  repositoryIds: Set<number> | null
  createdAtMs: number
}

/** A webhook of a repository, an organisation, or an App. */
export type Hook = {
  id: number
  url: string
  contentType: 'json' | 'form'
  secret: string | null
  events: string[]
  active: boolean
  insecureSsl: string
  lastResponse: { code: number | null; status: string; message: string | null }
  target: { type: 'repository' | 'organization' | 'integration'; id: number }
  createdAtMs: number
  updatedAtMs: number
}

/** A label of a repository. */
export type Label = {
  id: number
  name: string
  color: string
  description: string | null
}

/** The part of a pull request that an issue does not have. */
export type Pull = {
  base: { ref: string; sha: string }
  head: { ref: string; sha: string }
  draft: boolean
  merged: boolean
  mergedAtMs: number | null
  mergedBy: Account | null
  mergeCommitSha: string | null
  maintainerCanModify: boolean
  requestedReviewers: Account[]
  requestedTeams: Team[]
  autoMerge: AutoMerge | null
}

/** A merge that waits for what it needs; the fake has nothing that it could wait for. */
export type AutoMerge = {
  enabledBy: Account
  method: 'merge' | 'squash' | 'rebase'
  title: string
  message: string
}

/** An issue, or a pull request when `pull` is set. */
export type Issue = {
  id: number
  number: number
  title: string
  body: string | null
  state: 'open' | 'closed'
  stateReason: string | null
  user: Account
  app: App | null
  labels: Label[]
  /** Who gave and took labels, oldest first. */
  labelings: { id: number; label: Label; by: Account; event: 'labeled' | 'unlabeled'; atMs: number }[]
  assignees: Account[]
  milestone: Milestone | null
  locked: boolean
  lockReason: string | null
  reactions: Reaction[]
  createdAtMs: number
  updatedAtMs: number
  closedAtMs: number | null
  closedBy: Account | null
  pull: Pull | null
}

/** An issue that is a pull request. */
export type PullIssue = Issue & { pull: Pull }

/** A comment on an issue or pull request. */
export type IssueComment = {
  id: number
  issue: Issue
  body: string
  user: Account
  app: App | null
  reactions: Reaction[]
  /** Why it is hidden; null while it is shown. */
  minimizedReason: string | null
  createdAtMs: number
  updatedAtMs: number
}

/** A comment on a commit. */
export type CommitComment = {
  id: number
  sha: string
  body: string
  path: string | null
  position: number | null
  line: number | null
  user: Account
  reactions: Reaction[]
  createdAtMs: number
  updatedAtMs: number
}

/** A release. */
export type Release = {
  id: number
  tag: string
  target: string
  name: string | null
  body: string | null
  draft: boolean
  prerelease: boolean
  author: Account
  createdAtMs: number
  publishedAtMs: number | null
}

/** A repository; its commits, branches and tags live in the bare git repository at `dir`. */
export type Repository = {
  id: number
  owner: Account
  name: string
  private: boolean
  description: string | null
  topics: string[]
  defaultBranch: string
  dir: string
  collaborators: Map<string, Role>
  labels: Label[]
  milestones: Map<number, Milestone>
  issues: Map<number, Issue>
  issueComments: Map<number, IssueComment>
  commitComments: Map<number, CommitComment>
  reviews: Map<number, Review>
  reviewComments: Map<number, ReviewComment>
  /** Oldest first. */
  statuses: CommitStatus[]
  checkSuites: Map<number, CheckSuite>
  checkRuns: Map<number, CheckRun>
  deployments: Map<number, Deployment>
  /** By name. */
  environments: Map<string, Environment>
  releases: Map<number, Release>
  hooks: Map<number, Hook>
  /** Whether pull requests may be set to merge by themselves. */
  allowsAutoMerge: boolean
  /** Statuses or checks that must pass before a pull request is merged into the default branch. */
  requiredChecks: string[]
  nextNumber: number
  nextMilestone: number
  createdAtMs: number
  pushedAtMs: number
}

/** One attempt to hand an event to a webhook. */
export type Delivery = {
  id: number
  guid: string
  hook: Hook
  event: string
  action: string | null
  deliveredAtMs: number
  durationMs: number
  redelivery: boolean
  status: string
  /** 0 when no response arrived. */
  statusCode: number
  installationId: number | null
  repositoryId: number | null
  /** `payload` is the event as signed, before any encoding; `body` is what was sent. */
  request: { headers: Record<string, string>; payload: Record<string, unknown>; body: string }
  response: { headers: Record<string, string>; payload: string | null }
}

/** All of it. */
export type State = {
  accounts: Map<string, Account>
  tokens: Map<string, Token>
  apps: Map<number, App>
  installations: Map<number, Installation>
  /** Apps that were made from a manifest and not fetched yet, by their one-time code. */
  manifests: Map<string, App>
  repositories: Map<string, Repository>
  deliveries: Delivery[]
  requests: Exchange[]
  /** A fresh number; every id of the fake is unique across all kinds. */
  nextId(): number
}

/** An empty world. */
export function emptyState(): State {
  let id = 1000
  return {
    accounts: new Map(),
    tokens: new Map(),
    apps: new Map(),
    installations: new Map(),
    manifests: new Map(),
    repositories: new Map(),
    deliveries: [],
    requests: [],
    nextId: () => ++id,
  }
}

/** The key under which an account is kept: logins ignore case. */
export function accountKey(login: string): string {
  return login.toLowerCase()
}

/** The key under which a repository is kept: names ignore case. */
export function repositoryKey(owner: string, name: string): string {
  return `${owner}/${name}`.toLowerCase()
}
