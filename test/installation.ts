// Builds and packs every package of the repository, and installs a tarball in an empty folder as
// npm would, without a network.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** A packed package, as `npm pack --json` describes it. */
export type Packed = { name: string; filename: string; files: { path: string }[] }

/** All packages of the repository, packed into a folder. */
export type Packages = { folder: string; packed: ReadonlyMap<string, Packed> }

/** Builds all packages and packs them. */
export async function packAll(): Promise<Packages> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-packages-')))
  await run('npm', ['run', 'build'], { cwd: ROOT })
  const args = ['pack', '--json', '--workspaces', '--include-workspace-root', '--pack-destination', folder]
  const { stdout } = await run('npm', args, { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 })
  const packed: Packed[] = JSON.parse(stdout)
  return { folder, packed: new Map(packed.map((one) => [one.name, one])) }
}

/**
 * Makes an empty project that depends on these packages and has nothing else: packages of this
 * repository come from their tarballs, others are links to the ones installed here, and only those
 * that a package.json names. So an import that no package.json names fails. `omitsOptional` is as
 * `--omit=optional` of npm.
 */
export async function install(
  { folder, packed }: Packages,
  names: readonly string[],
  { omitsOptional = false } = {},
): Promise<string> {
  const project = await mkdtemp(join(folder, 'project-'))
  const modules = join(project, 'node_modules')
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  const installed = new Set<string>()

  async function add(name: string): Promise<void> {
    if (installed.has(name)) return
    installed.add(name)
    const target = join(modules, name)
    const tarball = packed.get(name)?.filename
    if (tarball === undefined) {
      await mkdir(dirname(target), { recursive: true })
      return symlink(join(ROOT, 'node_modules', name), target)
    }
    await mkdir(target, { recursive: true })
    await run('tar', ['-xzf', join(folder, tarball), '-C', target, '--strip-components=1'])
    const { dependencies, optionalDependencies } = JSON.parse(await readFile(join(target, 'package.json'), 'utf8'))
    const needed = { ...dependencies, ...(omitsOptional ? {} : optionalDependencies) }
    for (const dependency of Object.keys(needed)) await add(dependency)
  }

  for (const name of names) await add(name)
  return project
}

/** What a program printed, and how it ended. */
export type Ran = { code: number; output: string }

/** Runs Node.js in a project, with nothing of the tester's environment but what is given. */
export async function runNode(
  project: string,
  args: readonly string[],
  env: Record<string, string> = {},
  node = process.execPath,
): Promise<Ran> {
  const options = { cwd: project, env: { PATH: process.env.PATH ?? '', HOME: project, ...env }, timeout: 60_000 }
  try {
    const { stdout, stderr } = await run(node, [...args], options)
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, output: stdout + stderr }
  }
}
