// The files of one commit in a folder of their own, with a repository that only refers to its
// mirror.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGit } from './git.ts'

// What whoever runs git in the worktree later gets too. There is no remote.
const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	hooksPath = /dev/null
	fsmonitor = false
	symlinks = false
	attributesFile = /dev/null
[submodule]
	recurse = false
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol "ext"]
	allow = never
[protocol "file"]
	allow = never
`
/**
 * These win over every .gitattributes: files have exactly the bytes of the commit, and none is run
 * through a filter; and no diff hides any.
 */
export const ATTRIBUTES = '* -text !eol !crlf !filter !ident !working-tree-encoding !diff\n'

/**
 * Writes the files of a commit of a mirror into an empty folder. Its repository reads the mirror's
 * objects where they are (objects/info/alternates) and writes into the mirror nothing at all: no
 * entry of a worktree, no ref, no object. That is safe as long as the mirror stays, which nobody
 * prunes, and nobody evicts while it is used.
 * @throws GitError when the commit has paths that git refuses, such as `.git/config`.
 */
export async function makeWorktree(
  folder: string,
  { mirror, sha, signal }: { mirror: string; sha: string; signal: AbortSignal },
): Promise<void> {
  const git = (...args: string[]) => runGit(args, { folder, signal })
  await git('init', '--quiet', '--template=', '.')
  const own = join(folder, '.git')
  await mkdir(join(own, 'info'), { recursive: true })
  await mkdir(join(own, 'objects/info'), { recursive: true })
  await writeFile(join(own, 'config'), CONFIG)
  await writeFile(join(own, 'info/attributes'), ATTRIBUTES)
  await writeFile(join(own, 'objects/info/alternates'), `${join(mirror, 'objects')}\n`)
  await git('update-ref', '--no-deref', 'HEAD', sha)
  await git('read-tree', '--reset', '-u', sha)
}
