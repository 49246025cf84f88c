// What people have said of a pull request that a task opened, and that is not answered yet.
import type { Comment, PullRequest, ReadForge } from '../../forges/forge.ts'
import type { Review, ReviewThread } from '../../forges/reviews.ts'
import { readMarker } from '../../lib/marker.ts'
import { readTrailer } from '../../lib/trailer.ts'
import type { AgentContext } from '../agent.ts'
import type { Refused } from './assignment.ts'
import type { IssueToPrOptions, TaskInput } from './options.ts'
import type { Said } from './people.ts'
import { openPeople } from './people.ts'

/** One round of feedback: which, of how many, the threads it answers, and its newest review. */
export type Feedback = { round: number; of: number; threads: string[]; review: number }

/**
 * The key of the comment of a round: rounds are counted by it, and it ends with the newest review
 * that was read then, because the times of a forge are whole seconds.
 */
export function roundKey({ review }: Feedback, jobId: string): string {
  return `${ROUND}${jobId}-${review}`
}

const ROUND = 'round-'

const ROUNDS = 5

type Context = Pick<AgentContext<TaskInput>, 'event' | 'input'> & { forge: ReadForge }

/** Reads what is to be answered, or why nothing is. */
export async function readFeedback(
  ctx: Context,
  { rounds: of = ROUNDS }: IssueToPrOptions,
  pull: PullRequest,
): Promise<{ feedback: Feedback; said: Said[] } | Refused> {
  const { forge, event, input } = ctx
  const { repository = '', command } = event?.facts ?? {}
  const target = { pullRequest: pull.number }
  const isReview = event?.type.startsWith('pull_request_review.') === true
  if (isReview && command !== undefined) return { refused: 'The command in the review is answered by its own job.' }
  const comments = await forge.comments(repository, target)
  const rounds = comments.filter((comment) => isRound(comment, pull))
  const since = rounds.at(-1)?.createdAt ?? new Date(0)
  const read = Math.max(0, ...rounds.map(reviewOf))
  const { said, threads, review } = await readOpen(ctx, pull, { repository, comments, since, read })
  if (said.length === 0 && input.text === undefined) return { refused: 'There is no feedback that is not answered.' }
  if (rounds.length >= of) {
    const refused = `${of} rounds of feedback were answered here, and there are no more: a person has to go on.`
    return { refused, say: { target, key: 'rounds-over' } }
  }
  const theirs = command === undefined ? await commitOfOthers(forge, repository, pull) : null
  if (theirs !== null) {
    const refused = `The branch has commits of others, such as ${theirs}: a person goes on, or \`/task\` does on top of them.`
    return { refused, say: { target, key: 'others' } }
  }
  return { feedback: { round: rounds.length + 1, of, threads, review }, said }
}

/** What people who may have said since the last round, and the threads without an answer. */
async function readOpen(
  { forge, event, input }: Context,
  pull: PullRequest,
  {
    repository,
    comments,
    since,
    read,
  }: { repository: string; comments: readonly Comment[]; since: Date; read: number },
): Promise<{ said: Said[]; threads: string[]; review: number }> {
  const people = openPeople(forge, repository)
  const mayAsk = async (login: string | null) => !isSame(login, pull.author) && (await people.may(login))
  const all = await forge.reviews(repository, pull.number)
  const reviews = all.filter((review) => isNew(review, pull, read))
  // What was written behind a command is its text.
  const readsComments = event?.facts.command !== undefined && input.text === undefined
  const later = readsComments ? comments.filter(({ createdAt }) => createdAt >= since) : []
  const said: Said[] = []
  for (const { author, body } of [...reviews, ...later]) {
    if (await mayAsk(author)) said.push({ what: 'feedback', author, body })
  }
  const threads: string[] = []
  for (const thread of await forge.reviewThreads(repository, pull.number)) {
    const isOpen = !thread.isResolved && !thread.isOutdated
    if (!isOpen || !(await mayAsk(thread.comments.at(-1)?.author ?? null))) continue
    threads.push(thread.id)
    said.push(await wordsOf(thread, people.may))
  }
  return { said, threads, review: Math.max(read, ...all.map(({ id }) => id)) }
}

/** One of an older commit is about what is not there any more. */
function isNew({ id, state, commit, body }: Review, { headSha }: PullRequest, read: number): boolean {
  const asks = (state === 'CHANGES_REQUESTED' || state === 'COMMENTED') && body.trim() !== ''
  return asks && commit === headSha && id > read
}

/** The newest review that a round has read. */
function reviewOf({ body }: Comment): number {
  const key = readMarker(body)?.keys.find((each) => each.startsWith(`sticky=${ROUND}`)) ?? ''
  return Number(/-(\d+)$/.exec(key)?.[1] ?? 0)
}

function isRound({ author, body }: Comment, pull: PullRequest): boolean {
  return (
    isSame(author, pull.author) && (readMarker(body)?.keys.some((key) => key.startsWith(`sticky=${ROUND}`)) ?? false)
  )
}

async function wordsOf(
  { path, line, comments }: ReviewThread,
  may: (login: string | null) => Promise<boolean>,
): Promise<Said> {
  const lines = []
  for (const { author, body } of comments) if (await may(author)) lines.push(`${author}: ${body}`)
  const place = line === null ? path : `${path}, line ${line}`
  return { what: 'feedback', author: null, body: [`On ${place}:`, ...lines].join('\n\n') }
}

/** A commit of the branch that no task made. */
async function commitOfOthers(forge: ReadForge, repository: string, pull: PullRequest): Promise<string | null> {
  const commits = await forge.commitsBetween(repository, pull.base, pull.headSha)
  const other = commits.find(
    ({ author, message }) => !isSame(author, pull.author) || readTrailer(message).key === undefined,
  )
  return other?.sha.slice(0, 7) ?? null
}

function isSame(one: string | null, other: string | null): boolean {
  return one !== null && one.toLowerCase() === other?.toLowerCase()
}
