// What changed between two commits, as GitHub lists it: one entry per file with counts and a patch.
import { git } from './git.ts'
import { EMPTY_TREE } from './git-objects.ts'

/** One changed file. */
export type FileChange = {
  path: string
  previousPath: string | null
  status: 'added' | 'removed' | 'modified' | 'renamed' | 'changed'
  sha: string
  additions: number
  deletions: number
  /** Absent for binary files, as on GitHub. */
  patch: string | null
}

const STATUS = { A: 'added', D: 'removed', M: 'modified', R: 'renamed', T: 'changed' } as const

/** The unified diff between two tree-ishes; `from` null means "everything is new". */
export function diffText(dir: string, from: string | null, to: string): Promise<string> {
  return git(dir, ['diff-tree', '-r', '-M', '-p', '--full-index', from ?? EMPTY_TREE, to])
}

/** The files that differ between two tree-ishes, with line counts. */
export async function diffCounts(dir: string, from: string | null, to: string): Promise<CountedFile[]> {
  const args = ['diff-tree', '-r', '-M', '-z', '--raw', '--numstat', '--full-index', from ?? EMPTY_TREE, to]
  return readRaw((await git(dir, args)).split('\0'))
}

/** The same with patches. */
export async function diffFiles(dir: string, from: string | null, to: string): Promise<FileChange[]> {
  const [files, text] = await Promise.all([diffCounts(dir, from, to), diffText(dir, from, to)])
  const patches = `\n${text}`.split('\ndiff --git ').slice(1).map(hunksOf)
  return files.map((file) => {
    // What became another kind of thing has two sections: it is deleted, then added.
    const own = patches.splice(0, file.status === 'changed' ? 2 : 1).filter((patch) => patch !== null)
    return { ...file, patch: own.length === 0 ? null : own.join('\n') }
  })
}

/** The hunks of one section; a carriage return or U+2028 within a line ends no line. */
function hunksOf(section: string): string | null {
  const hunk = section.indexOf('\n@@ ')
  return hunk < 0 ? null : section.slice(hunk + 1).replace(/\n$/, '')
}

/** One changed file without its patch. */
export type CountedFile = Omit<FileChange, 'patch'>

/** Reads the `--raw` records, then the `--numstat` records that follow them in the same order. */
function readRaw(fields: string[]): CountedFile[] {
  const files: CountedFile[] = []
  let at = 0
  while (fields[at]?.startsWith(':')) {
    const file = readRecord(fields, at)
    files.push(file)
    at += file.previousPath === null ? 2 : 3
  }
  for (const file of files) {
    const [added, removed] = (fields[at] ?? '').split('\t')
    // A dash stands for "binary".
    file.additions = Number(added) || 0
    file.deletions = Number(removed) || 0
    at += file.previousPath === null ? 1 : 3
  }
  return files
}

function readRecord(fields: string[], at: number): CountedFile {
  const [, , before = '', after = '', letters = 'M'] = (fields[at] ?? '').split(' ')
  const status = STATUS[letters.charAt(0) as keyof typeof STATUS] ?? 'modified'
  const [first = '', second = ''] = fields.slice(at + 1, at + 3)
  const paths = status === 'renamed' ? { path: second, previousPath: first } : { path: first, previousPath: null }
  return { ...paths, status, sha: status === 'removed' ? before : after, additions: 0, deletions: 0 }
}
