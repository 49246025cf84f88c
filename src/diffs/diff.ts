// What changed between two commits: its files, and their lines with the number on each side.

/** What changed from `base` to `head`. */
export type Diff = {
  base: string
  head: string
  files: DiffFile[]
  /** What was left out; a file that stands in `files` too is there without its lines. */
  omitted: Omission[]
}

/** Why lines of a file, or all of it, are not in a diff; where it is large, than what. */
export type Omission = { path: string; reason: string; largerThanBytes?: number }

/** One changed file. */
export type DiffFile = {
  /** The new path; of a deleted file the old one. */
  path: string
  /** Where it was, when it was renamed or copied. */
  oldPath: string | null
  status: 'added' | 'deleted' | 'modified' | 'renamed' | 'copied' | 'type_changed'
  /** As git writes it: `100644`; null where there is no file. */
  oldMode: string | null
  newMode: string | null
  /** Whole object ids; of a submodule the commit. */
  oldBlob: string | null
  newBlob: string | null
  /** Whether git takes it for binary, so that there are no lines. */
  isBinary: boolean
  isSubmodule: boolean
  hunks: Hunk[]
}

/** Lines that stand together; `section` is what git writes behind the second `@@`. */
export type Hunk = {
  oldStart: number
  oldLines: number
  newStart: number
  newLines: number
  section: string
  lines: DiffLine[]
}

/** A line by its number on each side; null where it is not on that side. */
export type DiffLine = { left: number | null; right: number | null; text: string; endsWithNewline: boolean }
