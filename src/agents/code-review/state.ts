// What is known of a change from before: earlier findings, and what was said of them since.
import type { Diff } from '../../diffs/diff.ts'
import type { FindingChange, Found, Ledger, StoredFinding } from '../../findings/finding.ts'
import type { ReadForge } from '../../forges/forge.ts'
import type { Change, History } from './change.ts'
import type { Settled, Whereabouts } from './earlier.ts'
import { whereIs } from './earlier.ts'
import type { Said } from './said.ts'
import { readSaid, refusedBy } from './said.ts'
import type { Subject } from './subject.ts'

/** What was known before, and what people have said since. */
export type State = {
  change: Change
  known: readonly StoredFinding[]
  since: ReadonlyMap<string, Diff | null>
  said: Said
  dismissals: FindingChange[]
}

const NOTHING_SAID: Said = { posted: new Set(), threads: new Map() }

/** Reads the ledger, and the threads of a pull request. */
export async function readState(
  { findings, forge }: { findings: Ledger; forge: ReadForge },
  subject: Subject,
  { change, history }: { change: Change; history: History },
): Promise<State> {
  const { repository, scope, head } = subject
  const known = await findings.of(scope)
  const since = new Map<string, Diff | null>()
  for (const sha of new Set(known.map(({ lastSha }) => lastSha))) since.set(sha, await history.diff(sha, head))
  if (subject.kind === 'push') return { change, known, since, said: NOTHING_SAID, dismissals: [] }
  const said = await readSaid(forge, repository, subject.number)
  const open = known.filter(({ status }) => status === 'open')
  const isUnchanged = (finding: StoredFinding) => typeof placeNow(finding, since) === 'object'
  const refused = await refusedBy(forge, repository, { open, threads: said.threads, isUnchanged })
  const dismissals = refused.map(({ finding, reason }) => ({
    fingerprint: finding.fingerprint,
    status: 'dismissed' as const,
    reason,
  }))
  return { change, known, since, said, dismissals }
}

/** Where the code of an earlier finding is now. */
export function placeNow(finding: StoredFinding, since: State['since']): Whereabouts {
  const diff = since.get(finding.lastSha) ?? null
  return diff === null ? 'changed' : whereIs(finding, diff)
}

/** What has become of earlier findings, for the ledger. */
export function changesOf({ ended }: Settled, head: string): FindingChange[] {
  return ended.map(({ fingerprint, became }) => ({ fingerprint, status: became, reason: `by ${head.slice(0, 7)}` }))
}

/** The threads of findings that the ledger does not know yet. */
export function threadChanges(open: readonly Found[], { said, known }: Pick<State, 'said' | 'known'>): FindingChange[] {
  const linked = new Set(known.flatMap(({ fingerprint, thread }) => (thread === null ? [] : [fingerprint])))
  return open.flatMap(({ fingerprint }) => {
    const thread = said.threads.get(fingerprint)
    if (thread === undefined || linked.has(fingerprint)) return []
    return [{ fingerprint, thread: thread.id, commentUrl: thread.comments[0]?.url ?? '' }]
  })
}
