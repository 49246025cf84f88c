// Checks of commits as GitHub shows them.
import { listRefs } from '../git.ts'
import { readCommit } from '../git-commits.ts'
import type { Hub } from '../hub.ts'
import { isoTime, isoTimeOrNull } from '../hub.ts'
import type { Annotation, CheckRun, CheckSuite } from '../records.ts'
import type { Repository } from '../state.ts'
import { appShape } from './accounts.ts'
import { encodePath } from './git.ts'
import { nodeId } from './node-id.ts'
import { repositoryPage, repositoryShape, repositoryUrl } from './repositories.ts'

/** A check. */
export function checkRunShape(hub: Hub, repo: Repository, run: CheckRun) {
  const url = `${repositoryUrl(hub, repo)}/check-runs/${run.id}`
  const html = `${repositoryPage(hub, repo)}/runs/${run.id}`
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('CheckRun', run.id),
    head_sha: run.suite.sha,
    external_id: run.externalId,
    url,
    html_url: html,
    details_url: run.detailsUrl ?? html,
    status: run.status,
    conclusion: run.conclusion,
    started_at: isoTime(run.startedAtMs),
    completed_at: isoTimeOrNull(run.completedAtMs),
    output: { ...run.output, annotations_count: run.annotations.length, annotations_url: `${url}/annotations` },
    check_suite: { id: run.suite.id },
    app: appShape(hub, run.suite.app),
    pull_requests: pullsAt(hub, repo, run.suite.sha),
  }
}

/** A remark of a check on a file. */
export function annotationShape(hub: Hub, repo: Repository, run: CheckRun, annotation: Annotation) {
  const href = `${repositoryPage(hub, repo)}/blob/${run.suite.sha}/${encodePath(annotation.path)}`
  return { ...annotation, blob_href: href }
}

/** What one App checks of one commit, in all. */
export async function checkSuiteShape(hub: Hub, repo: Repository, suite: CheckSuite) {
  const url = `${repositoryUrl(hub, repo)}/check-suites/${suite.id}`
  const all = [...repo.checkRuns.values()].filter((run) => run.suite === suite)
  // Of each name the latest alone counts.
  const runs = [...new Map(all.map((run) => [run.name, run])).values()]
  const branches = [...(await listRefs(repo.dir, 'refs/heads/'))]
  const commit = await readCommit(repo.dir, suite.sha)
  const person = commit && { name: commit.author.name, email: commit.author.email }
  const updatedAtMs = Math.max(suite.createdAtMs, ...runs.map((run) => run.completedAtMs ?? run.startedAtMs))
  return {
    id: suite.id,
    node_id: nodeId('CheckSuite', suite.id),
    head_branch: branches.find(([, sha]) => sha === suite.sha)?.[0].slice('refs/heads/'.length) ?? null,
    head_sha: suite.sha,
    ...outcome(runs),
    url,
    before: commit?.parents[0] ?? null,
    after: suite.sha,
    pull_requests: pullsAt(hub, repo, suite.sha),
    app: appShape(hub, suite.app),
    repository: repositoryShape(hub, repo),
    created_at: isoTime(suite.createdAtMs),
    updated_at: isoTime(updatedAtMs),
    head_commit: commit && {
      id: commit.sha,
      tree_id: commit.tree,
      message: commit.message,
      timestamp: isoTime(commit.committer.atMs),
      author: person,
      committer: { name: commit.committer.name, email: commit.committer.email },
    },
    latest_check_runs_count: runs.length,
    check_runs_url: `${url}/check-runs`,
  }
}

// The worst first.
const CONCLUSIONS = ['failure', 'timed_out', 'action_required', 'cancelled', 'stale', 'success', 'neutral', 'skipped']

function outcome(runs: CheckRun[]): { status: string; conclusion: string | null } {
  if (runs.length > 0 && runs.every(({ status }) => status === 'completed')) {
    const conclusion = CONCLUSIONS.find((each) => runs.some((run) => run.conclusion === each)) ?? null
    return { status: 'completed', conclusion }
  }
  return { status: runs.every(({ status }) => status === 'queued') ? 'queued' : 'in_progress', conclusion: null }
}

function pullsAt(hub: Hub, repo: Repository, sha: string) {
  const place = { id: repo.id, url: repositoryUrl(hub, repo), name: repo.name }
  return [...repo.issues.values()].flatMap(({ id, number, state, pull }) => {
    if (state !== 'open' || pull?.head.sha !== sha) return []
    const side = (at: { ref: string; sha: string }) => ({ ...at, repo: place })
    return [{ id, number, url: `${place.url}/pulls/${number}`, head: side(pull.head), base: side(pull.base) }]
  })
}
