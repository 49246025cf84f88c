// A check of a commit: found by its external id, made once, and changed after that.
import { z } from 'zod'
import type { Annotation, Check, CheckState, CommitStatus } from '../forges/checks.ts'
import type { WriteForge } from '../forges/forge.ts'
import { plainLine } from '../untrusted/inert.ts'
import type { Receipt } from './output.ts'
import { address, common, earlierSha, key, number, sha } from './output-fields.ts'
import { jobKey } from './own.ts'
import type { Author } from './publish.ts'

const MAX_STATUS_CHARS = 140
const CONCLUSIONS = ['success', 'failure', 'neutral', 'cancelled', 'skipped', 'timed_out', 'action_required'] as const

const annotation = z.strictObject({
  path: z.string().min(1).max(1024),
  startLine: number,
  endLine: number,
  level: z.enum(['notice', 'warning', 'failure']),
  // GitHub's limits are 64 kB and 255 characters.
  message: z.string().min(1).max(16_000),
  title: z.string().min(1).max(255).optional(),
})

/** A check of a commit, or its status where the token may make no checks. */
export const checkOutput = z
  .strictObject({
    kind: z.literal('check'),
    ...common,
    /** Or that of an earlier output, `{{outputs.NAME.sha}}`: without one there is no check. */
    commit: z.union([sha, earlierSha]),
    /** What the check is called. */
    check: z.string().min(1).max(100),
    status: z.enum(['queued', 'in_progress', 'completed']),
    conclusion: z.enum(CONCLUSIONS).optional(),
    title: z.string().min(1).max(250),
    /** Markdown, as `text`. */
    summary: z.string().max(65_000),
    text: z.string().max(65_000).optional(),
    detailsUrl: address.optional(),
    /** They are only ever added: those that the check has already are not written again. */
    annotations: z.array(annotation).max(1000).readonly().optional(),
    /** Outputs of a job with the same key are the same check. */
    key,
  })
  .refine(({ status, conclusion }) => (status === 'completed') === (conclusion !== undefined), {
    path: ['conclusion'],
    error: 'is required when the status is "completed", and otherwise not allowed',
  })

/** What an agent says of a check. */
export type CheckOutput = z.infer<typeof checkOutput>

/** Makes the check, changes it, or finds it as it should be; null without a commit. */
export async function publishCheck(forge: WriteForge, output: CheckOutput, job: Author): Promise<Receipt | null> {
  const { repository, commit, annotations = [] } = output
  if (!sha.safeParse(commit).success) return null
  const externalId = jobKey(job, output.key)
  const state = stateOf(output)
  const about = { sha: commit }
  const found = await findCheck(forge, output, externalId)
  if (found !== undefined) {
    const isDone = found.annotations >= annotations.length && isSame(found, state)
    if (!isDone) await addAnnotations(forge, output, { id: found.id, from: found.annotations })
    return { url: found.url, ...about, created: false }
  }
  const first = annotations.slice(0, forge.maxAnnotations)
  const opening = first.length < annotations.length ? unfinished(state) : state
  const made = await forge.createCheck(repository, { ...opening, sha: commit, name: output.check, externalId }, first)
  if (made === null) return publishStatus(forge, output)
  if (first.length < annotations.length) await addAnnotations(forge, output, { id: made.id, from: first.length })
  return { url: made.url, ...about, created: true }
}

async function findCheck(forge: WriteForge, output: CheckOutput, externalId: string): Promise<Check | undefined> {
  const { repository, commit, check } = output
  for (const each of await forge.checks(repository, commit, check)) {
    if (each.externalId === externalId && (await forge.isOwn(repository, each.author))) return each
  }
  return undefined
}

/** What is left of the annotations, and with the last of them the state. */
async function addAnnotations(
  forge: WriteForge,
  output: CheckOutput,
  { id, from }: { id: number; from: number },
): Promise<void> {
  const rest = (output.annotations ?? []).slice(from)
  const state = stateOf(output)
  do {
    const next: Annotation[] = rest.splice(0, forge.maxAnnotations)
    await forge.updateCheck(output.repository, id, rest.length > 0 ? unfinished(state) : state, next)
  } while (rest.length > 0)
}

function stateOf({ status, conclusion, title, summary, text, detailsUrl }: CheckOutput): CheckState {
  return { status, conclusion, title, summary, text, detailsUrl }
}

function unfinished(state: CheckState): CheckState {
  return { ...state, status: 'in_progress', conclusion: undefined }
}

function isSame(found: Check, { status, conclusion, title, summary }: CheckState): boolean {
  return (
    found.status === status &&
    found.conclusion === (conclusion ?? null) &&
    found.title === title &&
    // The forge may trim it.
    found.summary.trim() === summary.trim()
  )
}

/** The nearest to a check that any token may write. */
async function publishStatus(forge: WriteForge, output: CheckOutput): Promise<Receipt> {
  const { repository, commit, check: context, detailsUrl: targetUrl } = output
  const description = plainLine(output.title, MAX_STATUS_CHARS)
  const status = { state: statusState(output), context, description, targetUrl }
  const there = await forge.commitStatus(repository, commit, context)
  const isThere =
    there !== null &&
    there.state === status.state &&
    there.description === description &&
    there.targetUrl === targetUrl &&
    (await forge.isOwn(repository, there.author))
  if (isThere) return { url: forge.commitUrl(repository, commit), sha: commit, created: false }
  await forge.createCommitStatus(repository, commit, status)
  return { url: forge.commitUrl(repository, commit), sha: commit, created: true }
}

function statusState({ status, conclusion }: CheckOutput): CommitStatus['state'] {
  if (status !== 'completed') return 'pending'
  return conclusion === 'success' || conclusion === 'neutral' || conclusion === 'skipped' ? 'success' : 'failure'
}
