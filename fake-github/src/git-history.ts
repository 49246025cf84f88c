// How commits relate. Straight lines of loose commits, nearly all there are, need no child process;
// git answers for the rest.
import { git, tryGit } from './git.ts'
import type { Commit } from './git-commits.ts'
import { readCommit } from './git-commits.ts'

// A longer line, or a pushed pack, is for git, which reads many commits at once.
const MAX_COMMITS = 100

/** The commit and all before it, newest first; null when that is not one straight line. */
async function lineOf(dir: string, head: string): Promise<string[] | null> {
  const line: string[] = []
  for (let at: string | undefined = head; at !== undefined; ) {
    const commit: Commit | null = await readCommit(dir, at, 'loose')
    if (commit === null || commit.parents.length > 1 || line.length === MAX_COMMITS) return null
    line.push(at)
    at = commit.parents[0]
  }
  return line
}

/** True when `ancestor` is reachable from `descendant`. */
export async function isAncestor(dir: string, ancestor: string, descendant: string): Promise<boolean> {
  const line = await lineOf(dir, descendant)
  if (line !== null) return line.includes(ancestor)
  return (await tryGit(dir, ['merge-base', '--is-ancestor', ancestor, descendant])).code === 0
}

/** The best common ancestor, or null when the histories are unrelated. */
export async function mergeBase(dir: string, one: string, other: string): Promise<string | null> {
  const [line, otherLine] = await Promise.all([lineOf(dir, one), lineOf(dir, other)])
  if (line !== null && otherLine !== null) return line.find((sha) => otherLine.includes(sha)) ?? null
  const { code, stdout } = await tryGit(dir, ['merge-base', one, other])
  return code === 0 ? stdout.trim() : null
}

/** What `head` has that `base` has not, oldest first. */
export async function commitsAhead(dir: string, base: string, head: string): Promise<string[]> {
  const [line, baseLine] = await Promise.all([lineOf(dir, head), lineOf(dir, base)])
  if (line !== null && baseLine !== null) return line.filter((sha) => !baseLine.includes(sha)).reverse()
  return revList(dir, ['--reverse', `${base}..${head}`])
}

/** Commit ids of `git rev-list`, newest first. */
export async function revList(dir: string, args: string[]): Promise<string[]> {
  return (await git(dir, ['rev-list', ...args])).split('\n').filter(Boolean)
}

/** The tree of a merge of two commits, or null when they conflict. */
export async function mergeTrees(dir: string, base: string, head: string): Promise<string | null> {
  // Nothing to merge: the head's own tree is the result.
  if ((await lineOf(dir, head))?.includes(base)) return (await readCommit(dir, head))?.tree ?? null
  const args = ['merge-tree', '--write-tree', '--allow-unrelated-histories', base, head]
  const { code, stdout, stderr } = await tryGit(dir, args)
  if (code === 0) return stdout.trim()
  if (code === 1) return null
  throw new Error(`git merge-tree failed: ${stderr}`)
}
