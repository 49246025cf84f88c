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
