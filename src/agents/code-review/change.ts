// The change under review, read from a checkout: from where, its files and lines, and its files as
// they are now.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diff } from '../../diffs/diff.ts'
import { diffOf, EMPTY_TREE, mergeBase } from '../../diffs/diff-of.ts'
import { patchId } from '../../diffs/patch-id.ts'
import { AppError, GiveUp } from '../../lib/error.ts'
import { GitError } from '../../workspaces/git.ts'
import type { AgentContext } from '../agent.ts'
import type { Head } from './reviewers/reviewer.ts'
import type { Subject } from './subject.ts'

/** A change; `folder` has its head checked out. */
export type Change = { folder: string; diff: Diff; patch: string; head: Head }

type Context = Pick<AgentContext<unknown>, 'checkout' | 'signal'>

/** A checkout, and what reads commits that it may lack. */
export type History = {
  folder: string
  /** The last commit that two have in common; null where there is none, or one is gone. */
  common(a: string, b: string): Promise<string | null>
  /** What changed between two commits; null where one is gone. */
  diff(base: string, head: string): Promise<Diff | null>
}

/** Checks the subject's head out. */
export async function openHistory({ checkout, signal }: Context, subject: Subject): Promise<History> {
  const { repository, head } = subject
  const { folder } = await checkout({ repository, ref: head })
  const asked = new Set<string>()
  /** A mirror fetches what somebody asks for, and the folder reads the mirror's objects. */
  async function reading<T>(sha: string, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof GitError) || asked.has(sha)) throw error
    }
    asked.add(sha)
    try {
      await checkout({ repository, ref: sha })
      return await read()
    } catch (error) {
      if (error instanceof GitError || error instanceof GiveUp || error instanceof AppError) return null
      throw error
    }
  }
  return {
    folder,
    common: (a, b) => reading(a, () => mergeBase(folder, a, b, { signal })),
    diff: (base, to) => reading(base, () => diffOf(folder, base, to, { signal })),
  }
}

/**
 * The commit that the change is compared with: of a pull request where it left its branch; of a
 * push the last commit that was reviewed, so that none is left out when a review failed, else where
 * the branch was. After a forced push that is where the two have parted.
 */
export async function baseOf(history: History, subject: Subject, last: string | null): Promise<string> {
  const { head } = subject
  if (subject.kind === 'pull_request') return (await history.common(subject.baseTip, head)) ?? subject.baseTip
  if (last !== null && (await history.common(last, head)) === last) return last
  const { before } = subject
  return (before === null ? null : await history.common(before, head)) ?? EMPTY_TREE
}

/** Reads what changed from `base` to the subject's head. */
export async function readChange(history: History, base: string, subject: Subject): Promise<Change> {
  const diff = await history.diff(base, subject.head)
  if (diff === null) throw new GiveUp(`The commits ${base} and ${subject.head} cannot be compared: one is gone.`)
  return { folder: history.folder, diff, patch: patchId(diff), head: headIn(history.folder) }
}

/** A checkout writes no links, so no path of the commit leads out of it. */
function headIn(folder: string): Head {
  return {
    read: (path) => readFile(join(folder, path), 'utf8').catch(() => null),
    size: (path) =>
      stat(join(folder, path)).then(
        ({ size }) => size,
        () => null,
      ),
  }
}
