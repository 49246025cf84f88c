// What a task writes: the plan, and at the end the pull request and what points to it.
import { cut } from '../../lib/cut.ts'
import type { Output } from '../../publisher/output.ts'
import { inline, plainLine } from '../../untrusted/inert.ts'
import { redactText } from '../../untrusted/redact-text.ts'
import type { Assignment, Refused } from './assignment.ts'
import { roundKey } from './feedback.ts'
import { inertLines, planLines, pullRequestBody, testText } from './report.ts'
import type { Work } from './work.ts'

/** What the texts are made of besides the assignment. */
export type About = { jobId: string; label: string; steps: readonly string[] }

const PULL_REQUEST = 'pr'
const MAX_TITLE_CHARS = 200
const MAX_SUBJECT_CHARS = 72
const INCOMPLETE = 'Incomplete: '

/** The plan, at once; and what is said in its place if the job ends without an answer. */
export function beginning(assignment: Assignment, about: About): [outputs: Output[], options: { otherwise: Output[] }] {
  const { feedback } = assignment
  const what =
    feedback === null ? 'Working on this.' : `Working on the feedback, round ${feedback.round} of ${feedback.of}.`
  const plan = ['', ...planLines(about.steps, false)]
  const otherwise = planComment(assignment, about, ['**This was not finished.** {{job.reason}}', ...plan])
  return [planComment(assignment, about, [`**${what}**`, ...plan]), { otherwise }]
}

/** Of an issue there is one, which all its jobs edit; of feedback one for each round. */
function planComment(
  { repository, target, feedback }: Assignment,
  { jobId }: Pick<About, 'jobId'>,
  lines: readonly string[],
): Output[] {
  if (target === null) return []
  const key = feedback === null ? 'plan' : roundKey(feedback, jobId)
  return [{ kind: 'comment', repository, target, key, sticky: true, body: lines.join('\n') }]
}

/** Why nothing is done, for whoever asked. */
export function refusalOutputs(repository: string, { refused, say, unlabel }: Refused, label: string): Output[] {
  if (say === undefined) return []
  const { target, key } = say
  const comment: Output = { kind: 'comment', repository, target, key, sticky: true, body: refused }
  const labels: Output[] =
    unlabel && !('commit' in target) ? [{ kind: 'labels', repository, target, remove: [label] }] : []
  return [comment, ...labels]
}

/** What is written at the end. */
export function answerOf(assignment: Assignment, done: Work, about: About & { used: string }): Output[] {
  const { outcome, changes } = done
  const pull = changes.length === 0 || outcome === 'no_change' ? [] : [pullRequest(assignment, done, about)]
  return [
    ...pull,
    ...planComment(assignment, about, endLines(assignment, done, { ...about, hasPull: pull.length > 0 })),
    ...(pull.length > 0 && assignment.feedback === null ? linkComment(assignment) : []),
    ...answers(assignment, done, pull.length > 0),
    ...unlabelled(assignment, about),
  ]
}

/** The label asks once: whoever adds it again asks again. */
function unlabelled({ repository, target, hasLabel }: Assignment, { label }: Pick<About, 'label'>): Output[] {
  return hasLabel && target !== null ? [{ kind: 'labels', repository, target, remove: [label] }] : []
}

function pullRequest(assignment: Assignment, done: Work, { jobId, label, used }: About & { used: string }): Output {
  const { repository, base, branch, series, sha, number, pull } = assignment
  const isIncomplete = done.outcome === 'stopped'
  const line = plainLine(redactText(titleOf(assignment)), MAX_TITLE_CHARS) || 'A task'
  // People may have given it another one.
  const title = pull === null || pull.title.includes('{{') ? line : cut(titleOf(pull), MAX_TITLE_CHARS)
  const about = number === null ? '' : `\n\nFor #${number}.`
  return {
    kind: 'pull_request',
    name: PULL_REQUEST,
    repository,
    base,
    branch,
    title: isIncomplete ? INCOMPLETE + title : title,
    body: pullRequestBody(assignment, done, { used }),
    commitMessage: `${pull === null ? line : subjectOf(done)}${about}`,
    changes: done.changes,
    parent: sha,
    draft: true,
    labels: [label],
    key: `task=${jobId}`,
    series,
  }
}

function titleOf({ title }: { title: string }): string {
  return title.startsWith(INCOMPLETE) ? title.slice(INCOMPLETE.length) : title
}

/** The first line of the summary, for a commit that is not the first. */
function subjectOf({ summary }: Work): string {
  return plainLine(redactText(summary.trim().split('\n', 1)[0] ?? ''), MAX_SUBJECT_CHARS) || 'Go on'
}

/** The first line of the summary, as Markdown. */
function noteOf({ summary }: Work): string {
  const first = inertLines(summary).find((line) => line !== '')
  return first === undefined ? 'Nothing was said about it.' : first.replace(/^- /, '')
}

function endLines(
  { feedback, unread }: Assignment,
  done: Work,
  { steps, used, hasPull }: About & { used: string; hasPull: boolean },
): string[] {
  const { outcome, summary, reason, test } = done
  const round = feedback === null ? '' : ` Round ${feedback.round} of ${feedback.of}.`
  const link = hasPull ? ` The draft pull request is {{outputs.${PULL_REQUEST}.url}}.` : ''
  const head = {
    done: `${isFailing(test) ? '**Done, but the tests fail.**' : '**Done.**'}${round}${link}`,
    no_change: `**No change is needed.**${round}`,
    stopped: `**Stopped before it was complete.**${round} ${inline(reason ?? 'It ended early.')}${link}`,
  }[outcome]
  return [
    head,
    '',
    ...planLines(steps, outcome === 'done' && !isFailing(test)),
    '',
    ...(hasPull ? [testText(test)] : inertLines(summary)),
    '',
    used,
    ...(unread === 0 ? [] : [`Comments of people who may not write here were not read: ${unread}.`]),
  ]
}

function isFailing(test: Work['test']): boolean {
  return test !== null && test.exitCode !== 0
}

function linkComment({ repository, target, pull }: Assignment): Output[] {
  if (target === null) return []
  const body =
    pull === null
      ? `Opened the draft pull request {{outputs.${PULL_REQUEST}.url}}.`
      : `Updated the pull request {{outputs.${PULL_REQUEST}.url}}.`
  return [{ kind: 'comment', repository, target, key: 'link', body }]
}

/** Each thread is answered, and left for whoever began it to resolve. */
function answers({ repository, target, feedback }: Assignment, done: Work, hasPull: boolean): Output[] {
  if (target === null || !('pullRequest' in target) || feedback === null) return []
  const reply = hasPull
    ? `The commit {{outputs.${PULL_REQUEST}.sha}} was made for this. Please look whether it does it.`
    : `Nothing was changed for this: ${noteOf(done)}`
  const { pullRequest: number } = target
  return feedback.threads.map((thread) => ({
    kind: 'thread' as const,
    repository,
    pullRequest: number,
    thread,
    reply,
    key: `answer-${thread}`.slice(0, 200),
  }))
}

/** What is said where nobody wants it any more. */
export function closedMeanwhile(
  assignment: Assignment,
  { reason, used, ...about }: Omit<About, 'steps'> & { used: string; reason: string },
): Output[] {
  const lines = [`**Nothing was written, because ${reason}.**`, '', used]
  return [...planComment(assignment, about, lines), ...unlabelled(assignment, about)]
}
