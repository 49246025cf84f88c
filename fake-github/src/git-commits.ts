// Commits as values: parsed from and written to git's own format.
import { readObject, writeObject } from './git-objects.ts'

/** Who wrote or committed something, and when (milliseconds since the epoch). */
export type Signature = {
  name: string
  email: string
  atMs: number
}

/** What is in a commit object. */
type CommitData = {
  tree: string
  parents: string[]
  author: Signature
  committer: Signature
  message: string
}

/** A commit object with its id. */
export type Commit = CommitData & {
  sha: string
}

function formatSignature({ name, email, atMs }: Signature): string {
  const clean = (text: string) => text.replace(/[<>\n]/g, '').trim()
  return `${clean(name)} <${clean(email)}> ${Math.floor(atMs / 1000)} +0000`
}

function parseSignature(line: string): Signature {
  const match = /^(.*?) ?<(.*)> (\d+) [+-]\d{4}$/.exec(line)
  return { name: match?.[1] ?? '', email: match?.[2] ?? '', atMs: Number(match?.[3] ?? 0) * 1000 }
}

/** Stores a commit and returns its id. */
export function writeCommit(dir: string, commit: CommitData): Promise<string> {
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${formatSignature(commit.author)}`,
    `committer ${formatSignature(commit.committer)}`,
  ]
  return writeObject(dir, 'commit', `${lines.join('\n')}\n\n${commit.message}`)
}

/** Reads a commit by its full id, or null when there is none. */
export async function readCommit(dir: string, sha: string, where?: 'loose'): Promise<Commit | null> {
  const object = await readObject(dir, sha, where)
  if (object?.type !== 'commit') return null
  const text = object.data.toString()
  const split = text.indexOf('\n\n')
  const head = text.slice(0, split).split('\n')
  const values = (name: string) =>
    head.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1))
  return {
    sha,
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    author: parseSignature(values('author')[0] ?? ''),
    committer: parseSignature(values('committer')[0] ?? ''),
    message: text.slice(split + 2).replace(/\n$/, ''),
  }
}

/** Reads several commits, skipping ids that are not commits. */
export async function readCommits(dir: string, shas: string[]): Promise<Commit[]> {
  const commits = await Promise.all(shas.map((sha) => readCommit(dir, sha)))
  return commits.filter((commit) => commit !== null)
}
