// One review, from the checkout to what is written and remembered.
import type { Diff } from '../../diffs/diff.ts'
import type { Found, ReturnedReview } from '../../findings/finding.ts'
import { fingerprinted } from '../../findings/fingerprint.ts'
import type { ReadForge } from '../../forges/forge.ts'
import type { Output } from '../../publisher/output.ts'
import type { AgentContext, AgentResult } from '../agent.ts'
import type { Change } from './change.ts'
import { baseOf, openHistory, readChange } from './change.ts'
import type { Tally } from './check.ts'
import { beginning, settledCheck, unchangedCheck } from './check.ts'
import { foundOf } from './earlier.ts'
import { judge } from './judge.ts'
import type { Settings } from './options.ts'
import { commitComment, pullRequestReview, threadsOf } from './outputs.ts'
import { ranked } from './ranking.ts'
import type { Reading } from './read-by-model.ts'
import { readByModel } from './read-by-model.ts'
import { reviewWithoutModel } from './reviewers/reviewers.ts'
import type { State } from './state.ts'
import { changesOf, placeNow, readState, threadChanges } from './state.ts'
import type { Subject } from './subject.ts'
import type { Coverage } from './texts.ts'

/** What a review needs: the context with a forge, and the options. */
export type ReviewContext = Omit<AgentContext<unknown>, 'forge'> & { forge: ReadForge; settings: Settings }

/** Reviews a change, unless it was reviewed before. */
export async function review(context: ReviewContext, subject: Subject): Promise<AgentResult> {
  const { findings, publish, settings, log } = context
  const last = await findings.last(subject.scope)
  if (last?.sha === subject.head && !subject.isAsked) return nothingNew(context, `${subject.head} was reviewed before`)
  const history = await openHistory(context, subject)
  if (last !== null && subject.kind === 'push' && (await history.common(subject.head, last.sha)) === subject.head) {
    if (!subject.isAsked) return nothingNew(context, `${subject.head} was reviewed with ${last.sha}`)
  }
  const { outputs, otherwise } = beginning(subject, settings)
  await publish('begin', outputs, { otherwise })
  const base = await baseOf(history, subject, last?.sha ?? null)
  const change = await readChange(history, base, subject)
  log(`${change.diff.files.length} files changed since ${base.slice(0, 7)}`)
  const state = await readState(context, subject, { change, history })
  if (last !== null && last.patch === change.patch && !subject.isAsked && subject.kind === 'pull_request') {
    return settleUnchanged(context, subject, { ...state, reviewed: last.sha })
  }
  const reading = await readChangeBy(context, subject, change)
  return concluded(context, subject, { base, change, reading, state })
}

function nothingNew({ log }: Pick<ReviewContext, 'log'>, why: string): AgentResult {
  log(`nothing to do: ${why}`)
  return { result: { skipped: why } }
}

/** Rules read all of it, a model what it has not read yet. */
async function readChangeBy(
  context: ReviewContext,
  subject: Subject,
  { diff, head }: Change,
): Promise<Reading & { rules: Found[] }> {
  const rules = fingerprinted(await reviewWithoutModel(diff, head), diff)
  const instructions = await instructionsOf(context, subject, diff)
  const before = await context.findings.reviewed(subject.scope)
  return { ...(await readByModel(context, { diff, instructions, settings: context.settings, before })), rules }
}

/** The operator's, and those of the repository as it is without the change. */
async function instructionsOf(
  { forge, settings, model }: ReviewContext,
  subject: Subject,
  { base }: Diff,
): Promise<string> {
  if (model.problem !== null) return ''
  const at = subject.kind === 'pull_request' ? subject.baseTip : base
  const own = await forge.readFile(subject.repository, settings.instructionsFile, at).catch(() => null)
  return [settings.instructions ?? '', (own ?? '').slice(0, 20_000)].filter((text) => text.trim() !== '').join('\n\n')
}

type Concluded = { base: string; change: Change; reading: Reading & { rules: Found[] }; state: State }

async function concluded(context: ReviewContext, subject: Subject, given: Concluded): Promise<AgentResult> {
  const { base, change, reading, state } = given
  const { repository, scope, head } = subject
  const judged = await judge(context.findings, subject, given)
  const { now, open, settled, muted } = judged
  const { settings, model } = context
  const coverage: Coverage = {
    files: change.diff.files.length,
    noModel: model.problem,
    read: reading.read,
    carried: reading.carried,
    unread: reading.unread,
  }
  const known = new Set(state.known.map(({ fingerprint }) => fingerprint))
  const tally: Tally = {
    open: ranked(open),
    known: open.filter(({ fingerprint }) => known.has(fingerprint)).length,
    resolved: settled.ended.length,
    dismissed: state.dismissals.length,
    muted,
    usage: reading.usage,
  }
  const fresh = tally.open.filter(({ fingerprint }) => isToBeSaid(subject, state, known, fingerprint))
  const written: Output[] =
    subject.kind === 'pull_request'
      ? [
          ...pullRequestReview(subject, { fresh, diff: change.diff }, coverage, settings),
          ...threadsOf(subject, settled, state.said, head),
        ]
      : commitComment(subject, { base, found: fresh }, coverage, settings)
  const left: ReturnedReview = {
    scope,
    sha: head,
    patch: change.patch,
    found: open,
    changes: [...state.dismissals, ...changesOf(settled, head), ...threadChanges(open, state)],
    reviewed: reading.reviewed,
  }
  return {
    outputs: [...written, settledCheck(subject, tally, coverage, settings)],
    findings: left,
    result: {
      repository,
      reviewed: head,
      base,
      found: now.length,
      said: fresh.length,
      open: open.length,
      resolved: settled.ended.length,
      dismissed: state.dismissals.length,
      muted: muted.length,
      files: { read: reading.read, carried: reading.carried, unread: reading.unread.length },
      model: reading.usage,
    },
  }
}

function isToBeSaid(subject: Subject, { said }: State, known: ReadonlySet<string>, fingerprint: string): boolean {
  return subject.kind === 'push' ? !known.has(fingerprint) : !said.posted.has(fingerprint)
}

/** The same change at another commit: nothing is read, and nothing said. */
function settleUnchanged(
  { settings, log }: ReviewContext,
  subject: Subject,
  state: State & { reviewed: string },
): AgentResult {
  log(`the change is the same as at ${state.reviewed}`)
  const refused = new Set(state.dismissals.map(({ fingerprint }) => fingerprint))
  const open = state.known
    .filter(({ status, fingerprint }) => status === 'open' && !refused.has(fingerprint))
    .map((finding) => {
      const where = placeNow(finding, state.since)
      return foundOf(typeof where === 'object' ? { ...finding, ...where } : finding)
    })
  const usage = { calls: 0, inputTokens: 0, outputTokens: 0 }
  const tally: Tally = {
    open: ranked(open),
    known: open.length,
    resolved: 0,
    dismissed: refused.size,
    muted: [],
    usage,
  }
  return {
    outputs: [unchangedCheck(subject, state.reviewed, tally, settings)],
    findings: {
      scope: subject.scope,
      sha: subject.head,
      patch: state.change.patch,
      found: open,
      changes: [...state.dismissals, ...threadChanges(open, state)],
    },
    result: {
      repository: subject.repository,
      reviewed: subject.head,
      unchangedSince: state.reviewed,
      open: open.length,
    },
  }
}
