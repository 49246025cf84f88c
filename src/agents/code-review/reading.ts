// What of a change a model is to read, in which questions, and what it is not to read and why.
import { createHash } from 'node:crypto'
import type { Diff, DiffFile, Hunk } from '../../diffs/diff.ts'
import { patchText } from '../../diffs/patch-text.ts'
import { reviewKey } from '../../findings/fingerprint.ts'
import { compileGlobs, PATH } from '../../lib/glob.ts'
import { isLockFile } from '../../lib/lock-files.ts'
import type { Settings } from './options.ts'
import { isDocument, isTestPath } from './reviewers/paths.ts'

/** A file as it is read: `key` says whether it was read before. */
export type ReadFile = { file: DiffFile; key: string; pieces: readonly Piece[] }

/** A part of a file's difference that fits into one question; `isWhole` where it is all of it. */
export type Piece = { file: DiffFile; key: string; nth: number; isWhole: boolean; text: string }

/** Files that are not read, with the reason. */
export type Unread = { path: string; reason: string }

/** What one question has. */
export type Chunk = { id: string; pieces: readonly Piece[] }

const GENERATED =
  /(?:^|\/)(?:node_modules|vendor|third_party|dist|__snapshots__)\/|\.(?:min\.(?:js|css)|map|snap|svg|pb\.go|g\.dart)$|_pb2\.py$|\.generated\.[a-z]{1,5}$/i

/** The files that a model can read something in, the riskiest first, and the others. */
export function readableFiles(
  { files, omitted }: Diff,
  { ignore, chunkChars }: Pick<Settings, 'ignore' | 'chunkChars'>,
  readBy: string,
): { files: ReadFile[]; unread: Unread[] } {
  const isIgnored = ignore.length === 0 ? () => false : compileGlobs(ignore, PATH)
  const cut = new Map(omitted.map(({ path, reason }) => [path, reason]))
  const unread: Unread[] = omitted.map(({ path, reason }) => ({ path, reason }))
  const read: ReadFile[] = []
  for (const file of files.toSorted((one, other) => riskOf(other) - riskOf(one) || (one.path < other.path ? -1 : 1))) {
    if (cut.has(file.path) || isTrivial(file)) continue
    const reason = unreadReason(file, isIgnored)
    if (reason !== null) unread.push({ path: file.path, reason })
    else read.push(toReadFile(file, chunkChars, readBy))
  }
  return { files: read, unread }
}

/** The questions, as few as there can be; what is above `maxChunks` is left. */
export function chunksOf(
  files: readonly ReadFile[],
  { chunkChars, maxChunks }: Pick<Settings, 'chunkChars' | 'maxChunks'>,
): { chunks: Chunk[]; left: ReadFile[] } {
  const chunks: Piece[][] = []
  const left: ReadFile[] = []
  for (const file of files) {
    const fits =
      file.pieces.length === 1 ? chunks.find((chunk) => charsOf(chunk) + charsOf(file.pieces) <= chunkChars) : undefined
    if (fits !== undefined) fits.push(...file.pieces)
    else if (chunks.length + file.pieces.length <= maxChunks) chunks.push(...file.pieces.map((piece) => [piece]))
    else left.push(file)
  }
  return { chunks: chunks.map((pieces) => ({ id: idOf(pieces), pieces })), left }
}

/** Nothing that a reader could say something of: a move, a mode, an end without its line. */
function isTrivial({ status, isBinary, isSubmodule, hunks }: DiffFile): boolean {
  return status === 'deleted' || isSubmodule || (!isBinary && hunks.length === 0)
}

function unreadReason(file: DiffFile, isIgnored: (path: string) => boolean): string | null {
  if (file.isBinary) return 'binary'
  if (isLockFile(file.path) || GENERATED.test(file.path)) return 'generated'
  return isIgnored(file.path) ? 'ignored by the settings' : null
}

const RISKY =
  /auth|login|session|token|secret|passw|permission|access|crypt|sign|verif|pay|billing|charge|money|sql|query|migrat|upload|exec|shell|admin|webhook|concurren|lock|queue/i

/** How much may be wrong with a file: by its name, and how much of it is new. */
function riskOf({ path, hunks }: DiffFile): number {
  const added = hunks.flatMap(({ lines }) => lines).filter(({ left }) => left === null).length
  const kind = isDocument(path) ? 0.1 : isTestPath(path) ? 0.3 : RISKY.test(path) ? 2 : 1
  return kind * (10 + Math.min(added, 500))
}

function toReadFile(file: DiffFile, chunkChars: number, readBy: string): ReadFile {
  const key = reviewKey(file, readBy)
  const texts = split(file.hunks, chunkChars)
  return { file, key, pieces: texts.map((text, nth) => ({ file, key, nth, isWhole: texts.length === 1, text })) }
}

/** The text of the hunks in pieces of at most so many characters, if no line is longer. */
function split(hunks: readonly Hunk[], maxChars: number): string[] {
  const whole = patchText(hunks)
  if (whole.length <= maxChars) return [whole]
  if (hunks.length > 1)
    return joined(
      hunks.flatMap((hunk) => split([hunk], maxChars)),
      maxChars,
    )
  const [hunk] = hunks
  if (hunk === undefined || hunk.lines.length < 2) return [whole.slice(0, maxChars)]
  const half = Math.ceil(hunk.lines.length / 2)
  return [hunk.lines.slice(0, half), hunk.lines.slice(half)].flatMap((lines) => split([{ ...hunk, lines }], maxChars))
}

function joined(texts: readonly string[], maxChars: number): string[] {
  const pieces: string[] = []
  for (const text of texts) {
    const last = pieces.at(-1)
    if (last !== undefined && last.length + text.length + 1 <= maxChars) pieces[pieces.length - 1] = `${last}\n${text}`
    else pieces.push(text)
  }
  return pieces
}

function charsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { text, file }) => sum + text.length + file.path.length, 0)
}

function idOf(pieces: readonly Piece[]): string {
  const parts = pieces.map(({ key, nth }) => [key, nth])
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}
