// Every package.json lists exactly what its package imports: nothing works only because npm puts
// the dependencies of all workspaces into one folder.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

type Versions = Record<string, string>
type Manifest = {
  name: string
  version: string
  workspaces?: string[]
  dependencies?: Versions
  optionalDependencies?: Versions
  devDependencies?: Versions
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
}

const workspaces = manifestOf('.').workspaces ?? []

/** The source files of a folder; neither what is installed in it nor what is built. */
function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => /\.(ts|mjs)$/.test(path) && !/node_modules|(^|\/)dist\//.test(path))
}

function isForTests(path: string): boolean {
  return /\.test\.ts$|(^|\/)(fixtures|test)\//.test(path)
}

const STATEMENTS = [
  /^(?:import|export)\b[^'"`;]*?\bfrom\s+['"]([^'"]+)['"]/gm,
  /^import\s+['"]([^'"]+)['"]/gm,
  /\bimport\(['"]([^'"]+)['"]\)/g,
  /\brequire(?:\.resolve)?\(['"]([^'"]+)['"]\)/g,
]

/** What a file imports, types included: the declarations that are published import them too. */
function specifiersIn(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  const found = STATEMENTS.flatMap((statement) => [...text.matchAll(statement)].map((match) => match[1] ?? ''))
  // A template that writes a program has placeholders in it.
  return found.filter((specifier) => !specifier.includes('$'))
}

/** The packages that these files import, or the files they reach in other folders. */
function packagesOf(files: readonly string[]): Set<string> {
  const packages = new Set<string>()
  const seen = new Set(files)
  // The set grows while it is read.
  for (const file of seen) {
    const specifiers = specifiersIn(file)
    for (const target of filesAmong(specifiers, file)) seen.add(target)
    for (const name of packagesAmong(specifiers)) packages.add(name)
  }
  return packages
}

function filesAmong(specifiers: readonly string[], file: string): string[] {
  return specifiers
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => join(dirname(file), specifier))
    .filter((path) => /\.(ts|mjs)$/.test(path) && existsSync(join(root, path)))
}

function packagesAmong(specifiers: readonly string[]): string[] {
  return specifiers
    .filter((specifier) => !specifier.startsWith('.') && !isBuiltin(specifier))
    .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
}

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort()
}

describe.each(['.', ...workspaces])('the package.json of %s', (folder) => {
  const { name, devDependencies = {}, ...rest } = manifestOf(folder)
  const dependencies = { ...rest.dependencies, ...rest.optionalDependencies }
  const published = sourcesIn(join(folder, 'src')).filter((path) => !isForTests(path))
  const folders = folder === '.' ? ['src', 'test', 'examples'] : [folder]
  const all = folders.flatMap(sourcesIn)

  test('depends on exactly what the published files import', () => {
    expect(published.length).toBeGreaterThan(0)
    const imported = [...packagesOf(published)].filter((one) => one !== name)
    const listed = Object.keys(dependencies)
    expect(sorted(imported)).toEqual(sorted(listed))
  })

  test('lists for development what only tests, examples and tools import', () => {
    const known = [name, ...Object.keys(dependencies), ...Object.keys(devDependencies)]
    // What every workspace is tested with is listed at the root.
    const shared = folder === '.' ? [] : Object.keys(manifestOf('.').devDependencies ?? {})
    const missing = sorted(packagesAmong(all.flatMap(specifiersIn))).filter(
      (one) => ![...known, ...shared].includes(one),
    )
    expect(missing).toEqual([])
    const twice = Object.keys(dependencies).filter((one) => one in devDependencies)
    expect(twice).toEqual([])
  })

  test('names exact versions, the same in every workspace', () => {
    const common = Object.assign({}, ...['.', ...workspaces].map((one) => allVersions(manifestOf(one)))) as Versions
    const own = Object.fromEntries(workspaces.map((one) => [manifestOf(one).name, manifestOf(one).version]))
    for (const [dependency, version] of Object.entries(allVersions(manifestOf(folder)))) {
      expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
      expect({ dependency, version }).toEqual({ dependency, version: own[dependency] ?? common[dependency] })
    }
  })
})

function allVersions({ dependencies, optionalDependencies, devDependencies }: Manifest): Versions {
  return { ...dependencies, ...optionalDependencies, ...devDependencies }
}

test('the lockfile names no registry, so that any mirror can be used', () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>
  }
  const resolved = Object.values(packages).filter((one) => one.resolved !== undefined && one.link !== true)
  expect(resolved).toEqual([])
})
