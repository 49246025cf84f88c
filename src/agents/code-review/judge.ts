// Which of all that was found counts: nothing twice, and nothing that people do not want to hear.
import type { Found, Ledger, StoredFinding } from '../../findings/finding.ts'
import { MODEL } from './answer.ts'
import type { Change } from './change.ts'
import type { Settled } from './earlier.ts'
import { isSamePlace, settle } from './earlier.ts'
import type { Reading } from './read-by-model.ts'
import type { State } from './state.ts'
import { placeNow } from './state.ts'
import type { Subject } from './subject.ts'

type Given = { change: Change; reading: Pick<Reading, 'found'> & { rules: readonly Found[] }; state: State }

/** What counts of what was found now, all that is open with it, and what has ended. */
export type Judged = {
  now: Found[]
  open: Found[]
  settled: Settled
  /** The categories of what was left out because they are muted. */
  muted: string[]
}

/** What counts of what was found, with what is still open from before. */
export async function judge(findings: Ledger, subject: Subject, { change, reading, state }: Given): Promise<Judged> {
  const { repository } = subject
  const { known, since } = state
  const all = uniqueOf([
    ...reading.rules,
    ...reading.found.filter((found) => !reading.rules.some((rule) => isSamePlace(rule, found))),
  ])
  const refused = new Set([
    ...(await findings.dismissed(
      repository,
      all.map(({ fingerprint }) => fingerprint),
    )),
    ...state.dismissals.map(({ fingerprint }) => fingerprint),
  ])
  const mutedCategories = await findings.muted(repository)
  const standing = known.filter(({ reviewer }) => reviewer === MODEL).flatMap((finding) => standingAt(finding, since))
  // A model says the same in other words: what stands on the lines of an earlier finding is that.
  const isKnown = (found: Found) =>
    found.reviewer === MODEL && standing.some((one) => one.fingerprint !== found.fingerprint && isSamePlace(found, one))
  const counting = all.filter(({ fingerprint }) => !refused.has(fingerprint)).filter((found) => !isKnown(found))
  const now = counting.filter(({ category }) => !mutedCategories.includes(category))
  const muted = counting.filter(({ category }) => mutedCategories.includes(category)).map(({ category }) => category)
  const foundNow = new Set(all.map(({ fingerprint }) => fingerprint))
  const earlier = known.filter(
    ({ status, fingerprint }) => status === 'open' && !foundNow.has(fingerprint) && !refused.has(fingerprint),
  )
  const settled = settle({ earlier, since, change: change.diff, isWhole: subject.kind === 'pull_request' })
  return { now, open: [...now, ...settled.open], settled, muted }
}

/** Earlier findings of a model whose code stands, at their lines of now. */
function standingAt(finding: StoredFinding, since: State['since']) {
  if (finding.status !== 'open' && finding.status !== 'dismissed') return []
  const where = placeNow(finding, since)
  return typeof where === 'object' ? [{ fingerprint: finding.fingerprint, side: finding.side, ...where }] : []
}

function uniqueOf(findings: readonly Found[]): Found[] {
  return [...new Map(findings.map((each) => [each.fingerprint, each])).values()]
}
