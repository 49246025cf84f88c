// What commits, issues and pull requests gather: plain data, like the rest of the state.
import type { Account, App, PullIssue } from './state.ts'

/** A status of a commit, as a service outside reports it. */
export type CommitStatus = {
  id: number
  sha: string
  state: 'error' | 'failure' | 'pending' | 'success'
  context: string
  description: string | null
  targetUrl: string | null
  creator: Account
  createdAtMs: number
}

/** What somebody feels about something. */
export type Reaction = {
  id: number
  content: '+1' | '-1' | 'laugh' | 'confused' | 'heart' | 'hooray' | 'rocket' | 'eyes'
  user: Account
  createdAtMs: number
}

/** A goal that issues and pull requests belong to. */
export type Milestone = {
  id: number
  number: number
  title: string
  description: string | null
  state: 'open' | 'closed'
  creator: Account
  createdAtMs: number
  updatedAtMs: number
  closedAtMs: number | null
  dueOnMs: number | null
}

/** A review of a pull request; without `submittedAtMs` only its author sees it. */
export type Review = {
  id: number
  issue: PullIssue
  state: 'PENDING' | 'COMMENTED' | 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED'
  body: string
  user: Account
  commitSha: string
  submittedAtMs: number | null
}

/** A comment on a line of a pull request's changes, always part of a review. */
export type ReviewComment = {
  id: number
  review: Review
  body: string
  user: Account
  /** The comment that began the thread, when this is an answer. */
  inReplyTo: ReviewComment | null
  place: DiffPlace
  reactions: Reaction[]
  /** Why it is hidden; null while it is shown. */
  minimizedReason: string | null
  /** Who resolved the thread that this comment began. */
  resolvedBy: Account | null
  createdAtMs: number
  updatedAtMs: number
}

/** A line, or a range of lines, of a diff. */
export type DiffPlace = {
  path: string
  commitSha: string
  line: number
  side: 'LEFT' | 'RIGHT'
  startLine: number | null
  startSide: 'LEFT' | 'RIGHT' | null
  /** Lines below the first hunk's header, as GitHub's older `position` counts. */
  position: number
  /** The hunk down to the line. */
  hunk: string
}

/** A request to deploy something somewhere. */
export type Deployment = {
  id: number
  sha: string
  ref: string
  task: string
  payload: Record<string, unknown> | string
  environment: string
  isTransient: boolean
  isProduction: boolean
  description: string | null
  creator: Account
  app: App | null
  /** Oldest first. */
  statuses: DeploymentStatus[]
  createdAtMs: number
}

/** Somewhere that is deployed to. */
export type Environment = {
  id: number
  name: string
  createdAtMs: number
}

/** How a deployment goes. */
export type DeploymentStatus = {
  id: number
  state: 'error' | 'failure' | 'inactive' | 'in_progress' | 'queued' | 'pending' | 'success'
  description: string
  environment: string
  environmentUrl: string
  logUrl: string
  creator: Account
  app: App | null
  createdAtMs: number
}

/** What one App checks of one commit. */
export type CheckSuite = {
  id: number
  app: App
  sha: string
  createdAtMs: number
}

/** One check of a commit. */
export type CheckRun = {
  id: number
  suite: CheckSuite
  name: string
  detailsUrl: string | null
  externalId: string
  status: 'queued' | 'in_progress' | 'completed'
  conclusion: string | null
  startedAtMs: number
  completedAtMs: number | null
  output: { title: string | null; summary: string | null; text: string | null }
  annotations: Annotation[]
}

/** What a check says of some lines of a file. */
export type Annotation = {
  path: string
  start_line: number
  end_line: number
  start_column: number | null
  end_column: number | null
  annotation_level: string
  title: string | null
  message: string
  raw_details: string | null
}
