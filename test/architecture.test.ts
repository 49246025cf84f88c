// Who may import whom. The house has floors: a room imports from the floors below, and never from
// its neighbours.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const src = join(root, 'src')

// From the roof to the ground. The parts of `src/*.ts` that connect rooms are floors of their own.
const FLOORS = [
  ['cli'],
  ['main.ts', 'index.ts', 'handler.ts'],
  ['configure.ts'],
  ['config.ts', 'http'],
  ['pipeline.ts', 'routing.ts'],
  ['sources', 'events', 'rules', 'jobs', 'agents', 'publisher', 'deliveries', 'deployments'],
  ['forges', 'queue'],
  ['db'],
  ['lib'],
]

function roomOf(path: string): string {
  return path.split('/')[0] ?? ''
}
function floorOf(room: string): number {
  return FLOORS.findIndex((floor) => floor.includes(room))
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
)

/**
 * Imports at run time: `import type` is free, and the lint rule `separatedType` keeps it a
 * statement of its own.
 */
function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  const statements = text.matchAll(
    /^(?:import|export)(?! type\b)[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm,
  )
  return [...statements].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

test('every room stands on a floor', () => {
  const rooms = [...new Set(files.map(roomOf))]
  expect(rooms.filter((room) => floorOf(room) === -1)).toEqual([])
})

test('rooms import from the floors below only, and middle rooms never from each other', () => {
  const violations = files.flatMap((file) => {
    const from = roomOf(file)
    return importsOf(file)
      .filter((target) => target.startsWith('.'))
      .map((target) => relative(src, join(src, dirname(file), target)))
      .filter((target) => roomOf(target) !== from && floorOf(roomOf(target)) <= floorOf(from))
      .map((target) => `${file} imports ${target}`)
  })
  expect(violations).toEqual([])
})

test('nothing outside the house is imported from inside but the published SDK', () => {
  const outside = files.flatMap((file) =>
    importsOf(file).filter(
      (target) => target.startsWith('.') && relative(src, join(src, dirname(file), target)).startsWith('..'),
    ),
  )
  expect(outside).toEqual([])
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

test('every file says in its first line what it is for', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(readFileSync(join(src, file), 'utf8')))
  expect(silent).toEqual([])
})
