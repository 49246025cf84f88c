// Reads and writes git objects without a child process each, so that a test may make hundreds of
// commits.
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deflate, inflate } from 'node:zlib'
import { execa } from 'execa'
import { gitEnvironment } from './git.ts'

/** The id of the tree without entries, the same in every repository. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

/** The four kinds of git object. */
export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag'

/** An object as stored: its kind and its bytes. */
type GitObject = {
  type: ObjectType
  data: Buffer
}

/**
 * Stores an object as a loose file and returns its id
 * (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
 */
export async function writeObject(dir: string, type: ObjectType, data: Buffer | string): Promise<string> {
  const bytes = Buffer.from(data)
  const whole = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes])
  const sha = createHash('sha1').update(whole).digest('hex')
  const folder = join(dir, 'objects', sha.slice(0, 2))
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `tmp_obj_${randomUUID()}`)
  await writeFile(temporary, await promisify(deflate)(whole), { mode: 0o444 })
  await rename(temporary, join(folder, sha.slice(2)))
  return sha
}

/**
 * Reads an object by its full id, or null when the repository does not have it (or, if `where` says
 * so, not as a loose file).
 */
export async function readObject(dir: string, sha: string, where?: 'loose'): Promise<GitObject | null> {
  if (!/^[0-9a-f]{40}$/.test(sha)) return null
  const packed = await readFile(join(dir, 'objects', sha.slice(0, 2), sha.slice(2))).catch(() => null)
  if (packed === null && where === 'loose') return null
  const whole = packed === null ? await readPacked(dir, sha) : await promisify(inflate)(packed)
  if (whole === null) return null
  const end = whole.indexOf(packed === null ? '\n' : '\0')
  const words = whole.subarray(0, end).toString().split(' ')
  const [type, size] = packed === null ? words.slice(1) : words
  return { type: type as ObjectType, data: whole.subarray(end + 1, end + 1 + Number(size)) }
}

/** Asks git for an object that came inside a pack of a push. */
async function readPacked(dir: string, sha: string): Promise<Buffer | null> {
  const { stdout } = await execa('git', ['--git-dir', dir, 'cat-file', '--batch'], {
    env: gitEnvironment(),
    extendEnv: false,
    input: `${sha}\n`,
    encoding: 'buffer',
    stripFinalNewline: false,
  })
  const whole = Buffer.from(stdout)
  return / missing\n$/.test(whole.subarray(0, 60).toString()) ? null : whole
}

/** One line of a tree. */
export type TreeEntry = {
  mode: string
  name: string
  sha: string
}

/** The kind of object a tree entry's mode stands for. */
export function typeOfMode(mode: string): 'blob' | 'tree' | 'commit' {
  if (mode === '40000' || mode === '040000') return 'tree'
  return mode === '160000' ? 'commit' : 'blob'
}

/** The direct entries of a tree, or null when there is no such tree. */
export async function readTree(dir: string, sha: string): Promise<TreeEntry[] | null> {
  const object = await readObject(dir, sha)
  if (object?.type !== 'tree') return null
  const entries: TreeEntry[] = []
  for (let at = 0; at < object.data.length; ) {
    const space = object.data.indexOf(' ', at)
    const nul = object.data.indexOf('\0', space)
    entries.push({
      mode: object.data.subarray(at, space).toString(),
      name: object.data.subarray(space + 1, nul).toString(),
      sha: object.data.subarray(nul + 1, nul + 21).toString('hex'),
    })
    at = nul + 21
  }
  return entries
}

async function writeTree(dir: string, entries: TreeEntry[]): Promise<string> {
  // git sorts a directory as if its name ended in a slash.
  const key = (entry: TreeEntry) => Buffer.from(typeOfMode(entry.mode) === 'tree' ? `${entry.name}/` : entry.name)
  const sorted = entries.toSorted((a, b) => Buffer.compare(key(a), key(b)))
  const parts = sorted.flatMap((entry) => [
    Buffer.from(`${entry.mode.replace(/^0/, '')} ${entry.name}\0`),
    Buffer.from(entry.sha, 'hex'),
  ])
  return writeObject(dir, 'tree', Buffer.concat(parts))
}

/** A change to one path of a tree; `null` removes it. */
export type TreeEdits = Map<string, { mode: string; sha: string } | null>

/** Writes a tree that is `base` (or empty) with the edits applied; paths may be nested. */
export async function editTree(dir: string, base: string | null, edits: TreeEdits): Promise<string> {
  const old = base === null ? [] : ((await readTree(dir, base)) ?? [])
  const entries = new Map(old.map((entry) => [entry.name, entry]))
  const { here, below } = splitEdits(edits)
  for (const [name, edit] of here) {
    if (edit === null) entries.delete(name)
    else entries.set(name, { name, ...edit })
  }
  for (const [name, inner] of below) {
    const child = entries.get(name)
    const sha = await editTree(dir, child && typeOfMode(child.mode) === 'tree' ? child.sha : null, inner)
    // git knows no empty directories.
    if (sha === EMPTY_TREE) entries.delete(name)
    else entries.set(name, { mode: '40000', name, sha })
  }
  return writeTree(dir, [...entries.values()])
}

function splitEdits(edits: TreeEdits): { here: TreeEdits; below: Map<string, TreeEdits> } {
  const here: TreeEdits = new Map()
  const below = new Map<string, TreeEdits>()
  for (const [path, edit] of edits) {
    const slash = path.indexOf('/')
    const name = path.slice(0, slash)
    if (slash < 0) here.set(path, edit)
    else below.set(name, (below.get(name) ?? new Map()).set(path.slice(slash + 1), edit))
  }
  return { here, below }
}

/** Every entry below a tree with its full path, directories included, in git's order. */
export async function walkTree(dir: string, sha: string, prefix = ''): Promise<TreeEntry[]> {
  const found: TreeEntry[] = []
  for (const entry of (await readTree(dir, sha)) ?? []) {
    const name = prefix + entry.name
    found.push({ ...entry, name })
    if (typeOfMode(entry.mode) === 'tree') found.push(...(await walkTree(dir, entry.sha, `${name}/`)))
  }
  return found
}

/** The entry at a path below a tree, or null. */
export async function findInTree(dir: string, tree: string, path: string): Promise<TreeEntry | null> {
  let entry: TreeEntry = { mode: '40000', name: '', sha: tree }
  for (const name of path.split('/').filter(Boolean)) {
    const next = (await readTree(dir, entry.sha))?.find((candidate) => candidate.name === name)
    if (!next) return null
    entry = next
  }
  return entry
}
