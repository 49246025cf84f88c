// What this program has said in a pull request, and how people have answered: read from the forge,
// so that nothing is said twice whatever became of the jobs that said it.
import type { StoredFinding } from '../../findings/finding.ts'
import type { ReadForge } from '../../forges/forge.ts'
import type { ReviewThread } from '../../forges/reviews.ts'
import { reaches } from '../../lib/permission.ts'

/** What was said of findings, by fingerprint. */
export type Said = {
  /** In a thread, or in the text of a review. */
  posted: ReadonlySet<string>
  threads: ReadonlyMap<string, ReviewThread>
}

const MARK = /<!-- signalbox-findings:((?: [0-9a-f]{32})+) -->/g

// The answers that mean that nothing will be changed.
const REFUSES =
  /\b(?:won['’]?t (?:fix|change|do)|will not (?:fix|change)|wontfix|(?:not|isn['’]?t|no) (?:a |an )?(?:bug|issue|problem|defect)|false positive|by design|as designed|as intended|intended|intentional|on purpose)\b/i

/** The hidden mark by which a text is found again. */
export function markOf(fingerprints: readonly string[]): string {
  return fingerprints.length === 0 ? '' : `<!-- signalbox-findings: ${fingerprints.join(' ')} -->\n`
}

/** What our own account has said in a pull request; marks in the texts of others say nothing. */
export async function readSaid(forge: ReadForge, repository: string, number: number): Promise<Said> {
  const ownMarks = async ({ body, author }: { body: string; author: string | null }): Promise<string[]> => {
    const marks = marksIn(body)
    return marks.length > 0 && (await forge.isOwn(repository, author)) ? marks : []
  }
  const posted = new Set<string>()
  const threads = new Map<string, ReviewThread>()
  for (const review of await forge.reviews(repository, number)) {
    for (const mark of await ownMarks(review)) posted.add(mark)
  }
  for (const thread of await forge.reviewThreads(repository, number)) {
    const [first] = thread.comments
    for (const mark of first === undefined ? [] : await ownMarks(first)) threads.set(mark, thread)
  }
  return { posted: new Set([...posted, ...threads.keys()]), threads }
}

function marksIn(body: string): string[] {
  return [...body.matchAll(MARK)].flatMap(([, marks = '']) => marks.trim().split(' '))
}

/** A finding that somebody who may write has refused, and how. */
export type Refused = { finding: StoredFinding; reason: string }

/**
 * The open findings that people have refused: by an answer, by a thumb down, or by resolving the
 * thread although its code stands (`isUnchanged`). Only who may write to the repository counts.
 */
export async function refusedBy(
  forge: ReadForge,
  repository: string,
  {
    open,
    threads,
    isUnchanged,
  }: {
    open: readonly StoredFinding[]
    threads: Said['threads']
    isUnchanged(finding: StoredFinding): boolean
  },
): Promise<Refused[]> {
  const may = new Map<string, boolean>()
  const mayWrite = async (login: string | null): Promise<boolean> => {
    if (login === null || (await forge.isOwn(repository, login))) return false
    if (!may.has(login)) may.set(login, reaches(await forge.permission(repository, login), 'write'))
    return may.get(login) === true
  }
  const refused: Refused[] = []
  for (const finding of open) {
    const thread = threads.get(finding.fingerprint)
    if (thread === undefined) continue
    for (const { login, reason } of refusalsIn(thread, isUnchanged(finding))) {
      if (!(await mayWrite(login))) continue
      refused.push({ finding, reason: `${login} ${reason}` })
      break
    }
  }
  return refused
}

function refusalsIn({ comments, isResolved, resolvedBy }: ReviewThread, isUnchanged: boolean) {
  const [first, ...answers] = comments
  const thumbs = (first?.reactions ?? []).filter(({ content }) => content === '-1')
  return [
    ...answers
      .filter(({ body }) => REFUSES.test(withoutQuotes(body)))
      .map(({ author, body }) => ({ login: author, reason: `answered: ${withoutQuotes(body).trim().slice(0, 500)}` })),
    ...thumbs.map(({ author }) => ({ login: author, reason: 'reacted with a thumb down' })),
    ...(isResolved && isUnchanged ? [{ login: resolvedBy, reason: 'resolved the thread and left the code' }] : []),
  ]
}

function withoutQuotes(body: string): string {
  return body
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('>'))
    .join('\n')
}
