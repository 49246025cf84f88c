// Finds what a change makes of a file besides its text: a program, a link, another submodule.
import type { Diff, DiffFile } from '../../../diffs/diff.ts'
import { extensionOf } from './paths.ts'
import type { Head, Remark, Reviewer } from './reviewer.ts'
import { addedLines, quoted, remarkAt, removedTexts } from './reviewer.ts'

const EXECUTABLE = '100755'
const SYMLINK = '120000'
// What no system runs by itself, unless its first line says by what.
const DATA = new Set(
  'json md txt yml yaml toml xml csv tsv html css scss less svg png jpg jpeg gif webp ico pdf lock ts tsx jsx vue sql ini cfg conf'.split(
    ' ',
  ),
)

/** The reviewer of modes, links and submodules. */
export const modes: Reviewer = { name: 'modes', review }

async function review({ files }: Diff, head: Head): Promise<Remark[]> {
  const left = files.filter(({ status }) => status !== 'deleted')
  return [...(await executables(left, head)), ...left.flatMap(links), ...left.flatMap(submodules)]
}

/** One finding for all of them: a copy from another system changes every file. */
async function executables(files: readonly DiffFile[], head: Head): Promise<Remark[]> {
  const candidates = files.filter(
    ({ path, oldMode, newMode }) => newMode === EXECUTABLE && oldMode !== EXECUTABLE && DATA.has(extensionOf(path)),
  )
  const isScript = await Promise.all(candidates.map((file) => beginsAsScript(file, head)))
  const [first, ...others] = candidates.filter((_, at) => isScript[at] === false)
  if (first === undefined) return []
  const more =
    others.length === 0 ? '' : ` The same holds for ${others.length} other ${others.length === 1 ? 'file' : 'files'}.`
  return [
    remarkAt(first.path, null, {
      category: 'executable-data',
      severity: 'low',
      title: 'A file that is no program becomes executable',
      body: `Take the mode back with \`git update-index --chmod=-x\`.${more}`,
    }),
  ]
}

async function beginsAsScript(file: DiffFile, head: Head): Promise<boolean> {
  const first = file.hunks.flatMap(({ lines }) => lines).find(({ right }) => right === 1)?.text
  return (first ?? (await head.read?.(file.path)) ?? '').startsWith('#!')
}

function links(file: DiffFile): Remark[] {
  const { path, newMode } = file
  const added = newMode === SYMLINK ? addedLines(file)[0] : undefined
  if (added === undefined || !leadsOut(path, added.text)) return []
  return [
    remarkAt(path, added.line, {
      category: 'symlink',
      severity: 'high',
      title: 'A symlink leads out of the repository',
      body: `It points to ${quoted(added.text)}, which is another file on every machine. Whatever reads or packs the repository follows it. Link to a file of the repository, or copy the file.`,
    }),
  ]
}

/** Whether a link in that place points outside, or into Git's own folder. */
function leadsOut(path: string, target: string): boolean {
  if (/^(?:\/|[A-Za-z]:|~)/.test(target)) return true
  const steps = path.split('/').slice(0, -1)
  for (const step of target.split('/')) {
    if (step === '..' && steps.pop() === undefined) return true
    if (step !== '..' && step !== '.' && step !== '') steps.push(step)
  }
  return steps[0]?.toLowerCase() === '.git'
}

function submodules(file: DiffFile): Remark[] {
  if (!file.isSubmodule || file.oldBlob === file.newBlob) return []
  const { path, oldBlob, newBlob } = file
  const isAdded = oldBlob === null || removedTexts(file).length === 0
  const what = isAdded ? `is added at ${short(newBlob)}` : `moves from ${short(oldBlob)} to ${short(newBlob)}`
  return [
    remarkAt(path, null, {
      category: 'submodule',
      severity: 'low',
      cost: 'medium',
      title: `The submodule ${isAdded ? 'is added' : 'points to another commit'}`,
      body: `${quoted(path)} ${what}. \`git commit -a\` does this by accident: check that the commit is pushed and meant.`,
    }),
  ]
}

function short(sha: string | null): string {
  return quoted(sha?.slice(0, 7) ?? '?')
}
