// Runs the real git, always asynchronously: a synchronous child would deadlock with git calling
// back into this process.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

/** Forty zeros: how git and GitHub write "no commit" in a push. */
export const ZERO_SHA = '0'.repeat(40)

const GIT_ENV = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
}

/** The environment every git child gets: nothing of the user's own configuration. */
export function gitEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { ...GIT_ENV, ...extra }
}

/** The exit code and output of git. */
type GitResult = {
  code: number
  stdout: string
  stderr: string
}

/**
 * Runs git in a bare repository and returns its exit code and output, whatever the code is.
 * @throws Error when git could not be started or was killed.
 */
export async function tryGit(dir: string, args: string[]): Promise<GitResult> {
  const result = await execa('git', ['--git-dir', dir, ...args], {
    env: gitEnvironment(),
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    stripFinalNewline: false,
  })
  if (result.exitCode === undefined) throw result
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr }
}

/**
 * Runs git in a bare repository and returns its output.
 * @throws Error when it does not exit with 0.
 */
export async function git(dir: string, args: string[]): Promise<string> {
  const result = await tryGit(dir, args)
  if (result.code !== 0) throw new Error(`git ${args.join(' ')} failed (${result.code}): ${result.stderr}`)
  return result.stdout
}

const CONFIG = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[http]
	receivepack = true
[gc]
	auto = 0
[receive]
	autogc = false
	hiderefs = refs/pull
[uploadpack]
	allowanysha1inwant = true
	allowfilter = true
`

/**
 * Makes an empty bare repository that may be pushed to over HTTP: what `git init --bare` would
 * write.
 */
export async function initBare(dir: string, defaultBranch: string): Promise<void> {
  for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags']) {
    await mkdir(join(dir, folder), { recursive: true })
  }
  await writeFile(join(dir, 'HEAD'), `ref: refs/heads/${defaultBranch}\n`)
  await writeFile(join(dir, 'config'), CONFIG)
}

/** Every ref of the repository (below a prefix) with the object it points at, sorted by name. */
export async function listRefs(dir: string, prefix = 'refs/'): Promise<Map<string, string>> {
  const out = await git(dir, ['for-each-ref', '--format=%(objectname) %(refname)', prefix])
  return new Map(
    out
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(41), line.slice(0, 40)]),
  )
}

/**
 * The object a full ref name points at, or null. Refs are plain files here: nothing ever packs
 * them.
 */
export async function readRef(dir: string, ref: string): Promise<string | null> {
  if (!/^refs\/./.test(ref) || ref.split('/').some((part) => part === '..' || part === '.' || part === '')) return null
  const text = await readFile(join(dir, ref), 'utf8').catch(() => null)
  return text?.trim() ?? null
}

/** The commit that a branch, tag, full ref or (abbreviated) sha names, or null. */
export async function resolveCommit(dir: string, name: string): Promise<string | null> {
  if (name === '' || name.startsWith('-')) return null
  const branch = await readRef(dir, `refs/heads/${name}`)
  if (branch) return branch
  const { code, stdout } = await tryGit(dir, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${name}^{commit}`,
  ])
  return code === 0 ? (stdout.trim().split('\n').at(-1) ?? null) : null
}
