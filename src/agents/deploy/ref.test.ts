import { describe, expect, test } from 'vitest'
import type { ReadForge } from '../../forges/forge.ts'
import { resolveVersion } from './ref.ts'

const [MAIN, FIX, TAG, BOTH, LOST] = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
  string,
  string,
]
const branches: Record<string, string> = { main: MAIN, fix: FIX, both: BOTH, 'release/1': FIX }
const tags: Record<string, string> = { 'v1.0': TAG, both: TAG }
const asked: string[] = []
const forge = {
  defaultBranch: async () => 'main',
  branchSha: async (_: string, name: string) =>
    asked.push(name) && Object.hasOwn(branches, name) ? branches[name] : null,
  tagSha: async (_: string, name: string) => (Object.hasOwn(tags, name) ? tags[name] : null),
  commitsBetween: async (_: string, branch: string, sha: string) => (branches[branch] === sha ? [] : [{ sha }]),
} as unknown as ReadForge

function resolve(ref: string, allowed?: string[]) {
  return resolveVersion({ forge, repository: 'acme/shop', allowed }, { ref })
}

describe('a ref', () => {
  test.each([
    ['main', MAIN, 'main'],
    ['release/1', FIX, 'release/1'],
    ['v1.0', TAG, 'v1.0'],
    ['tags/both', TAG, 'both'],
    ['refs/heads/both', BOTH, 'both'],
    [MAIN, MAIN, MAIN.slice(0, 7)],
  ])('%s is a commit', async (ref, sha, version) => {
    expect(await resolve(ref)).toEqual({ sha, version })
  })

  test.each(['both', 'nothing', FIX, LOST, MAIN.slice(0, 7), 'constructor'])('%s is refused', async (ref) => {
    await expect(resolve(ref)).rejects.toThrow(/branch/)
  })

  test.each([
    '../main',
    'a..b',
    '-x',
    'x y',
    'a~1',
    'a^',
    'a:b',
    'HEAD@{1}',
    'a\u202eb',
    '/x',
    'x/',
    'x.lock',
    'a//b',
    '*',
    'a\\b',
  ])('%j is no name, and nothing is asked about it', async (ref) => {
    asked.length = 0
    await expect(resolve(ref)).rejects.toThrow('not the name of a branch or a tag')
    expect(asked).toEqual([])
  })

  test('must be among those allowed, and a commit on a branch that these name', async () => {
    await expect(resolve('fix', ['main', 'v*'])).rejects.toThrow('not one of main, v*')
    expect(await resolve('v1.0', ['main', 'v*'])).toMatchObject({ sha: TAG })
    expect(await resolve(FIX, ['fix'])).toMatchObject({ sha: FIX })
    await expect(resolve(FIX, ['main', 'f*'])).rejects.toThrow('is not on main')
    await expect(resolve(FIX, ['f*'])).rejects.toThrow('not on a branch that is allowed by its name')
  })
})
