// What a job is to do, read from the forge once: the words, the commit to begin at, and whether it
// is to be done at all.
import type { PullRequest, ReadForge } from '../../forges/forge.ts'
import { GiveUp } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import { readMarker } from '../../lib/marker.ts'
import { plainRepositoryName } from '../../lib/repository.ts'
import { shortId } from '../../lib/short-id.ts'
import type { AgentContext } from '../agent.ts'
import type { Feedback } from './feedback.ts'
import { readFeedback } from './feedback.ts'
import type { IssueToPrOptions, TaskInput } from './options.ts'
import type { Said } from './people.ts'
import { openPeople } from './people.ts'

/** An issue or pull request. */
export type Target = { issue: number } | { pullRequest: number }

/** What is to be done, and where. */
export type Assignment = {
  repository: string
  /** Where it is reported; null for a task by hand. */
  target: Target | null
  /** The issue or pull request that asks for it. */
  number: number | null
  title: string
  /** What was written, by whom, with what each is. */
  said: Said[]
  /** Comments that nobody with permission wrote. */
  unread: number
  files: string[]
  /** The commit to work on, and the branches of the pull request. */
  sha: string
  base: string
  branch: string
  series: string
  /** The open pull request that it goes on with. */
  pull: Pick<PullRequest, 'number' | 'url' | 'title'> | null
  /** The commits that it has: the beginnings of their ids, and their first lines. */
  earlier: { sha: string; subject: string }[]
  /** Files that both that pull request and its base have changed. */
  overlaps: string[]
  feedback: Feedback | null
  hasLabel: boolean
}

/** Why nothing is done; with `say`, whoever asked is answered. */
export type Refused = { refused: string; say?: { target: Target; key: string }; unlabel?: boolean }

/** The name of the branches of tasks. */
const BRANCHES = 'signalbox/'
/** What the series of every pull request of a task begins with. */
const SERIES = 'task:'

const LABEL = 'agent-task'

/** The label that asks for work. */
export function labelOf({ label = LABEL }: IssueToPrOptions): string {
  return label
}

type Context = Pick<AgentContext<TaskInput>, 'event' | 'forge' | 'input' | 'job' | 'payload'>

/** @throws GiveUp when there is no forge, or nothing to do. */
export async function readAssignment(ctx: Context, options: IssueToPrOptions): Promise<Assignment | Refused> {
  const { forge, event } = ctx
  if (forge === null) throw new GiveUp('There is no forge to read: set a token, or an App for GitHub.')
  const { repository, number, isPullRequest } = event?.facts ?? {}
  if (repository === undefined || number === undefined) return byHand({ ...ctx, forge }, options)
  const at = { repository: plainRepositoryName(repository), number }
  if (ctx.input.max !== undefined && ctx.input.max <= 0) {
    const target = isPullRequest ? { pullRequest: number } : { issue: number }
    return { refused: '`--max` must be more than 0 dollars.', say: { target, key: 'plan' } }
  }
  return isPullRequest ? ofPullRequest({ ...ctx, forge }, options, at) : ofIssue({ ...ctx, forge }, options, at)
}

type Reading = Context & { forge: ReadForge }
type At = { repository: string; number: number }

async function byHand({ forge, input, job }: Reading, options: IssueToPrOptions): Promise<Assignment> {
  const { task, files = [], repository = options.repository } = input
  if (task === undefined) throw new GiveUp('The task is missing: give {"task": "…"}.')
  if (repository === undefined) {
    throw new GiveUp('No repository is set for the task: set GITHUB_REPO, or give "repository" with it.')
  }
  const base = options.base ?? (await forge.defaultBranch(repository))
  const name = `task-${shortId(job.id)}`
  return {
    ...nothing,
    repository,
    title: task.split('\n', 1)[0] ?? task,
    said: [{ what: 'task', author: null, body: task }],
    files,
    base,
    sha: await tipOf(forge, repository, base),
    branch: BRANCHES + name,
    series: `${SERIES}${repository}:${name}`,
  }
}

async function ofIssue(ctx: Reading, options: IssueToPrOptions, at: At): Promise<Assignment | Refused> {
  const { forge, event, job } = ctx
  const { repository, number } = at
  const target = { issue: number }
  const issue = await forge.issue(repository, number)
  if (issue === null) return { refused: `There is no issue ${number} any more.` }
  if (issue.state === 'closed') return { refused: 'The issue is closed.' }
  if (issue.isLocked) return { refused: 'The issue is locked.' }
  const isCommand = event?.facts.command !== undefined
  const series = `${SERIES}${repository}#${number}`
  const open = await forge.pullRequests(repository, {})
  const pull = await findOfSeries(forge, repository, { pulls: open, series })
  const other = open.find((each) => each !== pull && closes(each.body, number))
  const hasLabel = issue.labels.includes(labelOf(options))
  if (other !== undefined && !isCommand) {
    const refused = `The pull request #${other.number} says that it settles this already. \`/task\` begins all the same.`
    return { refused, say: { target, key: 'plan' }, unlabel: hasLabel }
  }
  const people = openPeople(forge, repository)
  const comments = await people.said(await forge.comments(repository, target), 'comment')
  const { title, body } = (await people.may(issue.author)) ? issue : textIn(ctx.payload)
  const said = [
    { what: 'issue', author: issue.author, body: `${title}\n\n${body}` },
    ...comments.said,
    ...requestOf(ctx),
  ]
  const about = { ...nothing, ...at, target, title, said, unread: comments.unread, series, hasLabel }
  if (pull !== undefined) return { ...about, ...(await onPullRequest(forge, repository, { pull, jobId: job.id })) }
  const base = options.base ?? (await forge.defaultBranch(repository))
  const branch = await freeBranch(forge, repository, { branch: `${BRANCHES}issue-${number}`, jobId: job.id })
  return { ...about, base, branch, sha: await tipOf(forge, repository, base) }
}

async function ofPullRequest(ctx: Reading, options: IssueToPrOptions, at: At): Promise<Assignment | Refused> {
  const { forge, event, job } = ctx
  const { repository, number } = at
  const target = { pullRequest: number }
  const pull = await forge.pullRequest(repository, number)
  if (pull.state !== 'open') return { refused: 'The pull request is not open.' }
  if (pull.fromFork) return { refused: 'The pull request is from a fork, whose branch is not for us to write.' }
  const series = readMarker(pull.body)?.series ?? ''
  if ((await findOfSeries(forge, repository, { pulls: [pull], series })) !== undefined) {
    const feedback = await readFeedback(ctx, options, pull)
    if ('refused' in feedback) return feedback
    const issue = Number(/#(\d+)$/.exec(series)?.[1])
    return {
      ...nothing,
      repository,
      target,
      number: Number.isNaN(issue) ? null : issue,
      title: pull.title,
      said: [...(await wordsOf(forge, repository, issue)), ...feedback.said, ...requestOf(ctx)],
      series,
      feedback: feedback.feedback,
      ...(await onPullRequest(forge, repository, { pull, jobId: job.id })),
    }
  }
  // Somebody else's: what is done for it is a pull request for its branch.
  if (event?.facts.command === undefined) return { refused: 'The pull request is not one of a task.' }
  const own = `${SERIES}${repository}#${number}`
  const before = await findOfSeries(forge, repository, { pulls: await forge.pullRequests(repository, {}), series: own })
  const people = openPeople(forge, repository)
  const comments = await people.said(await forge.comments(repository, target), 'comment')
  const { title, body } = (await people.may(pull.author)) ? pull : textIn(ctx.payload)
  const about = {
    ...nothing,
    ...at,
    target,
    title,
    said: [
      { what: 'pull request', author: pull.author, body: `${title}\n\n${body}` },
      ...comments.said,
      ...requestOf(ctx),
    ],
    unread: comments.unread,
    series: own,
  }
  if (before !== undefined)
    return { ...about, ...(await onPullRequest(forge, repository, { pull: before, jobId: job.id })) }
  const branch = await freeBranch(forge, repository, { branch: `${BRANCHES}pull-${number}`, jobId: job.id })
  return { ...about, base: pull.head, branch, sha: pull.headSha }
}

const nothing = {
  target: null,
  number: null,
  unread: 0,
  files: [],
  pull: null,
  earlier: [],
  overlaps: [],
  feedback: null,
  hasLabel: false,
} satisfies Partial<Assignment>

/** What was written behind `/task`. */
function requestOf({ event, input }: Reading): Said[] {
  const { text } = input
  return text === undefined ? [] : [{ what: 'request', author: event?.facts.sender ?? null, body: text }]
}

/**
 * An issue or pull request as it was when the work was asked for. What an author who may not write
 * has made of it since, nobody has agreed to.
 */
function textIn(payload: unknown): { title: string; body: string } {
  const { issue, pull_request: pull } = isObject(payload) ? payload : {}
  const about = issue ?? pull
  const { title, body } = isObject(about) ? about : {}
  return { title: String(title ?? ''), body: String(body ?? '') }
}

/** The issue of a pull request; only of who may write, because it may say something else by now. */
async function wordsOf(forge: ReadForge, repository: string, number: number): Promise<Said[]> {
  const issue = Number.isNaN(number) ? null : await forge.issue(repository, number)
  if (issue === null || !(await openPeople(forge, repository).may(issue.author))) return []
  return [{ what: 'issue', author: issue.author, body: `${issue.title}\n\n${issue.body}` }]
}

/** Work goes on at the head of a pull request that is open. */
async function onPullRequest(
  forge: ReadForge,
  repository: string,
  { pull, jobId }: { pull: PullRequest; jobId: string },
): Promise<Pick<Assignment, 'sha' | 'base' | 'branch' | 'pull' | 'earlier' | 'overlaps'>> {
  const { number, url, title, base, head, headSha } = pull
  const [commits, ours, theirs] = await Promise.all([
    forge.commitsBetween(repository, base, headSha),
    forge.diff(repository, base, headSha),
    forge.diff(repository, headSha, base),
  ])
  const changed = new Set(ours.map(({ path }) => path))
  const overlaps = theirs.map(({ path }) => path).filter((path) => changed.has(path))
  const earlier = commits.map((commit) => ({
    sha: commit.sha.slice(0, 7),
    subject: commit.message.split('\n', 1)[0] ?? '',
  }))
  // The branch is needed only where the pull request is closed meanwhile.
  const branch = `${head}-${shortId(jobId)}`
  return { sha: headSha, base, branch, pull: { number, url, title }, earlier, overlaps }
}

/** The one that our own account opened for a series: anybody's body can claim it. */
async function findOfSeries(
  forge: ReadForge,
  repository: string,
  { pulls, series }: { pulls: readonly PullRequest[]; series: string },
): Promise<PullRequest | undefined> {
  if (!series.startsWith(SERIES)) return undefined
  for (const pull of pulls) {
    const { fromFork, head, body, author } = pull
    const claims = !fromFork && head.startsWith(BRANCHES) && readMarker(body)?.series === series
    if (claims && (await forge.isOwn(repository, author))) return pull
  }
  return undefined
}

/** Whether a text closes an issue when it is merged. */
function closes(body: string, number: number): boolean {
  const closed = body.matchAll(/\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?:: ?| )#(\d{1,10})\b/gi)
  return [...closed].some(([, issue]) => Number(issue) === number)
}

/** One branch for an issue, and another after its pull request was merged or closed. */
async function freeBranch(
  forge: ReadForge,
  repository: string,
  { branch, jobId }: { branch: string; jobId: string },
): Promise<string> {
  const isTaken =
    (await forge.branchSha(repository, branch)) !== null ||
    (await forge.pullRequests(repository, { head: branch, state: 'all' })).length > 0
  return isTaken ? `${branch}-${shortId(jobId)}` : branch
}

async function tipOf(forge: ReadForge, repository: string, branch: string): Promise<string> {
  const sha = await forge.branchSha(repository, branch)
  if (sha === null) throw new GiveUp(`The repository ${repository} has no branch ${branch} with a commit.`)
  return sha
}
