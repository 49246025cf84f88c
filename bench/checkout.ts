// The checkouts whose Signalbox is measured: this one, and the commit it is compared with.
import { execFile } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import { copyFile, link, mkdir, mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Process } from './child.ts'
import { startProgram } from './child.ts'

/** A checkout of this repository with its packages installed. */
export type Checkout = {
  root: string
  /** The short name of its commit; null for this checkout as it stands. */
  commit: string | null
  /** The flags of V8 that its `bin/signalbox` passes to Node.js. */
  flags: readonly string[]
}

/** The name of one of its rows: `Signalbox queue`, or `Signalbox queue at 28bf4af`. */
export function nameOf(checkout: Checkout, what: string): string {
  return checkout.commit === null ? what : `${what} at ${checkout.commit}`
}

const run = promisify(execFile)

/** This checkout. */
export const ours: Checkout = checkoutAt(resolve(import.meta.dirname, '..'), null)

/**
 * This checkout, and the one of `against` when a commit is given; the latter is removed with
 * `cleanup`.
 */
export async function openCheckouts(against: string | undefined, cleanup: AsyncDisposableStack): Promise<Checkout[]> {
  return against === undefined ? [ours] : [ours, await openBaseline(against, cleanup)]
}

/** Brings a database up to date with `bin/signalbox migrate` of a checkout. */
export async function migrate(checkout: Checkout, url: string): Promise<void> {
  await run(programOf(checkout), ['migrate'], { env: { ...process.env, DATABASE_URL: url } })
}

/** Starts `bin/signalbox serve` of a checkout, as its users start it, and resolves to its URL. */
export async function serve(
  checkout: Checkout,
  options: { env: Record<string, string>; cwd: string; args?: readonly string[]; measured?: boolean },
): Promise<Process & { url: string }> {
  const { env, args = [], ...rest } = options
  const { match, ...child } = await startProgram({
    ...rest,
    command: [programOf(checkout), 'serve', '--json', '--host', '127.0.0.1', '--port', '0', ...args],
    env: { GIT_SYNC_ENABLED: 'false', ...env },
    until: /"url": *"([^"]+)"/,
  })
  return { ...child, url: match[1] ?? '' }
}

/** Checks a commit out into a temporary worktree, with the packages of this checkout. */
async function openBaseline(against: string, cleanup: AsyncDisposableStack): Promise<Checkout> {
  const git = async (...args: string[]) => (await run('git', ['-C', ours.root, ...args])).stdout.trim()
  const commit = await git('rev-parse', '--short', '--verify', `${against}^{commit}`)
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-baseline-'))
  cleanup.defer(async () => {
    await git('worktree', 'remove', '--force', folder).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
    await git('worktree', 'prune')
  })
  await git('worktree', 'add', '--force', '--detach', folder, commit)
  // Not one link to the whole folder: the packages of this repository are links to `../../sdk` and
  // the like.
  await linkTree(join(ours.root, 'node_modules'), join(folder, 'node_modules'))
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (lock(folder) !== lock(ours.root)) console.error(`${commit} is measured with the packages of this checkout.`)
  return checkoutAt(folder, commit)
}

/** The command line of a checkout. */
export function programOf({ root }: Pick<Checkout, 'root'>): string {
  return join(root, 'bin/signalbox')
}

function checkoutAt(root: string, commit: string | null): Checkout {
  const program = readFileSync(programOf({ root }), 'utf8')
  const flags = program.match(/--(?:max-semi-space-size|min-semi-space-size|initial-old-space-size)=\d+/g) ?? []
  return { root, commit, flags: [...new Set(flags)] }
}

/**
 * Repeats a folder with hard links to its files; copies them where the target is on another file
 * system.
 */
async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE))
  }
}
