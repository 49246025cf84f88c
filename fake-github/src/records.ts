// What commits, issues and pull requests gather: plain data, like the rest of the state.
import type { Account } from './state.ts'

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
