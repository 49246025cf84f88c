// What has become of earlier findings: a model that is asked again may not say again what it said,
// so a finding is open as long as its code stands.
import type { Diff, DiffFile } from '../../diffs/diff.ts'
import type { FindingStatus, Found, StoredFinding } from '../../findings/finding.ts'
import { MODEL } from './answer.ts'

/** Where a finding's code is now: unchanged at these lines, changed, or gone with its file. */
export type Whereabouts = 'changed' | 'gone' | Pick<Found, 'path' | 'line' | 'startLine'>

/** What is open of earlier findings, and what has become of the others. */
export type Settled = {
  open: Found[]
  ended: (StoredFinding & { became: Exclude<FindingStatus, 'open' | 'dismissed'> })[]
}

type Given = {
  /** Open ones that were not found now. */
  earlier: readonly StoredFinding[]
  /** What changed since each was last seen, by that commit; null where the commit is gone. */
  since: ReadonlyMap<string, Diff | null>
  /** The change under review. */
  change: Pick<Diff, 'files'>
  /** Whether the change is all that the scope has, as that of a pull request. */
  isWhole: boolean
}

/** Decides about earlier findings that were not found again. */
export function settle({ earlier, since, change, isWhole }: Given): Settled {
  const settled: Settled = { open: [], ended: [] }
  for (const finding of earlier) {
    const diff = since.get(finding.lastSha) ?? null
    const where = diff === null ? 'changed' : whereIs(finding, diff)
    if (where === 'changed') settled.ended.push({ ...finding, became: 'resolved' })
    else if (where === 'gone') settled.ended.push({ ...finding, became: 'outdated' })
    else if (isOver(finding, where.path, { change, isWhole })) settled.ended.push({ ...finding, became: 'outdated' })
    else settled.open.push(foundOf({ ...finding, ...where }))
  }
  return settled
}

/** A rule that no longer says it, or a file that the pull request no longer changes. */
function isOver(finding: StoredFinding, path: string, { change, isWhole }: Pick<Given, 'change' | 'isWhole'>): boolean {
  const isInChange = change.files.some((file) => file.path === path)
  return isWhole ? finding.reviewer !== MODEL || !isInChange : finding.reviewer !== MODEL && isInChange
}

/** Where the code of a finding is after a change. */
export function whereIs(
  finding: Pick<Found, 'path' | 'side' | 'line' | 'startLine'>,
  { files }: Pick<Diff, 'files'>,
): Whereabouts {
  const file = files.find((each) => (each.oldPath ?? each.path) === finding.path && each.status !== 'copied')
  const { line, startLine, path } = finding
  if (file === undefined) return { path, line, ...(startLine === undefined ? {} : { startLine }) }
  if (file.status === 'deleted') return 'gone'
  // Of a whole file, and of lines that are only in the old version, any change may be the answer.
  if (line === null || finding.side === 'LEFT') return 'changed'
  const end = moved(file, line)
  const start = moved(file, startLine ?? line)
  if (end === null || start === null || end - start !== line - (startLine ?? line)) return 'changed'
  return { path: file.path, line: end, ...(startLine === undefined ? {} : { startLine: start }) }
}

/** The number of an old line in the new version; null where the line is no more. */
function moved({ hunks }: DiffFile, line: number): number | null {
  let shift = 0
  for (const hunk of hunks) {
    if (line < hunk.oldStart) break
    if (line < hunk.oldStart + hunk.oldLines) return hunk.lines.find(({ left }) => left === line)?.right ?? null
    shift = hunk.newStart + hunk.newLines - (hunk.oldStart + hunk.oldLines)
  }
  return line + shift
}

/** Whether two findings are about lines that they share. */
export function isSamePlace(one: Found, other: Pick<Found, 'path' | 'side' | 'line' | 'startLine'>): boolean {
  if (one.path !== other.path || one.side !== other.side || one.line === null || other.line === null) return false
  return (one.startLine ?? one.line) <= other.line && (other.startLine ?? other.line) <= one.line
}

/** The finding as a review returns it. */
export function foundOf(stored: StoredFinding): Found {
  const { id, status, reason, firstSha, lastSha, thread, commentUrl, ...found } = stored
  return found
}
