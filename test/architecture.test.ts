// Who may import whom: a module imports from the layers below it, never from its own layer.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

// From the top to the bottom. A module is a folder of `src`, or a file directly in it.
const LAYERS = [
  ['cli'],
  ['main.ts', 'index.ts'],
  ['workers.ts', 'test-agent.ts'],
  ['config'],
  ['http'],
  ['pipeline.ts', 'run-agent.ts', 'test-forge.ts', 'catalogue', 'metrics', 'replay', 'trace'],
  ['recording.ts'],
  ['decide.ts'],
  [
    'sources',
    'events',
    'rules',
    'jobs',
    'agents',
    'publisher',
    'endpoints',
    'deliveries',
    'deployments',
    'retention',
    'gaps',
  ],
  ['backup', 'descriptions', 'diffs', 'findings', 'nodes', 'pauses'],
  ['forges', 'untrusted', 'models', 'queue', 'workspaces', 'spans'],
  ['db'],
  ['lib'],
]

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('/fixtures/'),
)

function moduleOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function layerOf(module: string): number {
  return LAYERS.findIndex((layer) => layer.includes(module))
}

/**
 * Imports at run time. `import type` is free, and the lint rule `separatedType` keeps it a
 * statement of its own.
 */
function importsOf(path: string): string[] {
  const dynamic = readFileSync(path, 'utf8').matchAll(/\bimport\(['"]([^'"]+)['"]\)/g)
  return [...staticImportsOf(path), ...[...dynamic].map((match) => match[1] ?? '')]
}

/** What is loaded with a file. */
function staticImportsOf(path: string): string[] {
  const statements = readFileSync(path, 'utf8').matchAll(
    /^(?:import|export)(?! type\b)[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm,
  )
  return [...statements].map((match) => match[1] ?? match[2] ?? '')
}

/** The files of `src` that a file imports, as paths relative to `src`. */
function internalImportsOf(file: string): string[] {
  return importsOf(join(src, file))
    .filter((target) => target.startsWith('.'))
    .map((target) => relative(src, join(src, dirname(file), target)))
}

test('every module is in a layer', () => {
  const modules = [...new Set(files.map(moduleOf))]
  expect(modules.filter((module) => layerOf(module) === -1)).toEqual([])
})

test('modules import from the layers below only, and modules of one layer never from each other', () => {
  const violations = files.flatMap((file) => {
    const from = moduleOf(file)
    return internalImportsOf(file)
      .filter((target) => moduleOf(target) !== from && layerOf(moduleOf(target)) <= layerOf(from))
      .map((target) => `${file} imports ${target}`)
  })
  expect(violations).toEqual([])
})

test('nothing outside src is imported from inside it but packages', () => {
  const outside = files.flatMap((file) => internalImportsOf(file).filter((target) => target.startsWith('..')))
  expect(outside).toEqual([])
})

// What the webhook handler shares with the service. Nothing in it needs a database or a job.
const SHARED_WITH_HANDLER =
  /^src\/((agents\/deployment-pr|descriptions|untrusted|forges|publisher|lib)\/|sources\/agenta\/payload\.ts$)/

test('the webhook handler imports only what it shares with the service', () => {
  const handler = join(root, 'handler/src')
  const own = readdirSync(handler, { encoding: 'utf8' }).filter((file) => /(?<!\.test)\.ts$/.test(file))
  const imports = own.flatMap((file) => {
    const statements = readFileSync(join(handler, file), 'utf8').matchAll(/from\s+['"](\.[^'"]+)['"]/g)
    return [...statements].map((match) => relative(root, join(handler, match[1] ?? '')))
  })
  expect(own).toContain('index.ts')
  expect(imports.filter((target) => !target.startsWith('handler/src/') && !SHARED_WITH_HANDLER.test(target))).toEqual(
    [],
  )
})

test('the SDK imports nothing but itself', () => {
  const sdk = join(root, 'sdk/src')
  const own = readdirSync(sdk, { encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  )
  const imports = own.flatMap((file) =>
    [...readFileSync(join(sdk, file), 'utf8').matchAll(/from\s+['"]([^'"]+)['"]/g)].map((match) => match[1] ?? ''),
  )
  expect(imports.filter((target) => !target.startsWith('./'))).toEqual([])
})

/** The packages and built-in modules that are loaded with a file, and by which file. */
function loadedWith(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return []
  seen.add(file)
  return staticImportsOf(join(src, file)).flatMap((target) =>
    target.startsWith('.')
      ? loadedWith(relative(src, join(src, dirname(file), target)), seen)
      : [`${file} loads ${target}`],
  )
}

test('a command that lists something loads little, so that it answers at once', () => {
  const lists = files.filter((file) => /^cli\/[\w-]+\.ts$/.test(file) && /\bprint(Page|Configured)\b/.test(read(file)))
  const light = / loads (commander|@signalbox\/sdk\/(client|scheme)|node:(?!https?$|http2$)[\w/]+)$/
  const heavy = ['cli/process.ts', ...lists].flatMap((file) => loadedWith(file)).filter((each) => !light.test(each))
  expect([...new Set(heavy)]).toEqual([])
  expect(lists.length).toBeGreaterThan(10)
})

function read(file: string): string {
  return readFileSync(join(src, file), 'utf8')
}

test('every file says in its first line what it is for', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(readFileSync(join(src, file), 'utf8')))
  expect(silent).toEqual([])
})
