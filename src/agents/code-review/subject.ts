// What is reviewed: a pull request, or what was pushed to a branch.
import type { Scope } from '../../findings/finding.ts'
import type { ReadForge } from '../../forges/forge.ts'
import { GiveUp } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import type { AgentContext } from '../agent.ts'
import type { codeReviewInput } from './options.ts'

type Common = {
  repository: string
  scope: Scope
  head: string
  /** Somebody asked for it, so that it is done although nothing is new. */
  isAsked: boolean
}

/** A pull request; `baseTip` is where the branch is that it is for. */
export type PullSubject = Common & { kind: 'pull_request'; number: number; baseTip: string; state: 'open' | 'over' }

/** What was pushed; `before` is where the branch was, null where it is new. */
export type PushSubject = Common & { kind: 'push'; branch: string; before: string | null; commits: readonly string[] }

export type Subject = PullSubject | PushSubject

type Given = Pick<AgentContext<unknown>, 'event' | 'payload'> & {
  forge: ReadForge
  input: Zod<typeof codeReviewInput>
}
type Zod<Schema extends { _output: unknown }> = Schema['_output']

/**
 * What the event, or the input of a job by hand, is about; a sentence where there is nothing to
 * review.
 * @throws GiveUp when a job by hand does not say what.
 */
export async function subjectOf({ event, payload, forge, input }: Given): Promise<Subject | { skipped: string }> {
  const { repository = input?.repository, number = input?.pullRequest, ...facts } = event?.facts ?? {}
  if (repository === undefined) {
    throw new GiveUp('repository: is required, with pullRequest, where no event says what to review')
  }
  if (number !== undefined && (facts.isPullRequest || input?.pullRequest === number)) {
    const isOver = event?.type === 'pull_request.closed'
    return pullSubject(forge, { repository, number, sha: facts.sha, isOver, isAsked: !isOwnEvent(event?.type) })
  }
  if (event?.type !== 'push') return { skipped: 'only pull requests and pushes to branches are reviewed' }
  if (facts.branch === undefined) return { skipped: 'tags are not reviewed' }
  if (facts.sha === undefined) return { skipped: 'the branch was deleted' }
  const { branch, sha: head } = facts
  return {
    kind: 'push',
    repository,
    scope: { repository, branch },
    head,
    isAsked: false,
    branch,
    before: before(payload),
    commits: messages(payload),
  }
}

// What was open when a pull request was closed is open again.
function isOwnEvent(type = ''): boolean {
  return type.startsWith('pull_request.') && type !== 'pull_request.reopened'
}

type Pull = { repository: string; number: number; sha: string | undefined; isOver: boolean; isAsked: boolean }

async function pullSubject(forge: ReadForge, { repository, number, sha, isOver, isAsked }: Pull): Promise<Subject> {
  const pull = await forge.pullRequest(repository, number)
  return {
    kind: 'pull_request',
    repository,
    scope: { repository, pullRequest: number },
    head: sha ?? pull.headSha,
    isAsked,
    number,
    // The commit that a forge shows may be where the branch was when the pull request was opened.
    baseTip: (await forge.branchSha(repository, pull.base)) ?? pull.baseSha,
    state: isOver || pull.state !== 'open' ? 'over' : 'open',
  }
}

function before(payload: unknown): string | null {
  const sha = isObject(payload) ? String(payload.before) : ''
  return /^[0-9a-f]{40,64}$/.test(sha) && !/^0+$/.test(sha) ? sha : null
}

function messages(payload: unknown): string[] {
  const commits = isObject(payload) && Array.isArray(payload.commits) ? payload.commits : []
  return commits.slice(0, 100).map((commit) => (isObject(commit) ? String(commit.message) : ''))
}
