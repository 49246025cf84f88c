// Looks up files of one tree, reading each directory on the way once.
import type { Octokit } from 'octokit'
import { GiveUp } from '../../lib/error.ts'
import type { Repository } from './clients.ts'

type Entry = { type: string; mode: string; sha: string }

/** The files of one tree. */
export type TreeReader = {
  /**
   * The file at a path; null when there is none.
   * @throws GiveUp when the path names a directory or leads through a file: git would replace
   * either silently, with everything in it.
   */
  fileAt(path: string): Promise<Entry | null>
}

/** Reads nothing yet. */
export function treeReader(octokit: Octokit, at: Repository, rootSha: string): TreeReader {
  const directories = new Map<string, Map<string, Entry>>()

  async function readDirectory(sha: string): Promise<Map<string, Entry>> {
    const known = directories.get(sha)
    if (known !== undefined) return known
    const { data } = await octokit.rest.git.getTree({ ...at, tree_sha: sha })
    if (data.truncated) throw new GiveUp(`The directory ${sha} has more entries than GitHub lists.`)
    const entries = new Map(data.tree.map(({ path, type, mode, sha }) => [path, { type, mode, sha }]))
    directories.set(sha, entries)
    return entries
  }

  return {
    async fileAt(path) {
      const names = path.split('/')
      let directory = rootSha
      for (const [depth, name] of names.entries()) {
        const entry = (await readDirectory(directory)).get(name)
        if (entry === undefined) return null
        const isLast = depth === names.length - 1
        const here = names.slice(0, depth + 1).join('/')
        if (isLast && entry.type !== 'blob') throw new GiveUp(`The path ${here} is not a file in the repository.`)
        if (isLast) return entry
        if (entry.type !== 'tree') throw new GiveUp(`The path ${path} leads through ${here}, which is not a directory.`)
        directory = entry.sha
      }
      return null
    },
  }
}
