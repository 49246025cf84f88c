import { expect, test } from 'vitest'
import { GiveUp } from '../lib/error.ts'
import type { WriteForge } from './forge.ts'
import { forgesFrom } from './forges.ts'
import { READS, readOnly } from './read-only.ts'

/** A forge that answers with its own name and what it was asked to read; it cannot write. */
function echo(name: string): WriteForge {
  const asked =
    (call: string) =>
    async (...args: unknown[]) =>
      `${name} ${call} ${args.map((arg) => JSON.stringify(arg)).join(' ')}` as never
  const reads = Object.fromEntries(READS.map((method) => [method, asked(method)]))
  return { ...reads, commitFiles: asked('commitFiles') } as unknown as WriteForge
}

const github = echo('github')
const gitlab = echo('gitlab')

test("a repository's forge is the one it names, else the default one", () => {
  const forges = forgesFrom({ github, gitlab })
  expect(forges.names).toEqual(['github', 'gitlab'])
  expect(forges.of('acme/shop')).toEqual({ forge: github, path: 'acme/shop' })
  expect(forges.of('github:acme/shop')).toEqual({ forge: github, path: 'acme/shop' })
  expect(forges.of('gitlab:acme/tools/shop')).toEqual({ forge: gitlab, path: 'acme/tools/shop' })
})

test('an unknown forge is refused by naming the configured ones', () => {
  const forges = forgesFrom({ github, gitlab, bitbucket: null })
  expect(() => forges.of('bitbucket:acme/shop')).toThrow(GiveUp)
  expect(() => forges.of('bitbucket:acme/shop')).toThrow(
    'The forge "bitbucket" of bitbucket:acme/shop is not configured; configured: github, gitlab.',
  )
  expect(() => forgesFrom({ gitlab }).of('acme/shop')).toThrow('The forge "github" of acme/shop is not configured')
})

test('a name that a prototype has is no forge', () => {
  expect(() => forgesFrom({ github }).of('constructor:acme/shop')).toThrow(GiveUp)
})

test('without any forge the refusal says how to set one up', () => {
  const forges = forgesFrom({ github: null }, 'set A_TOKEN')
  expect(forges.names).toEqual([])
  expect(() => forges.of('acme/shop')).toThrow('No forge is configured: set A_TOKEN.')
})

test('what is not the name of a repository is refused', () => {
  expect(() => forgesFrom({ github }).of('shop')).toThrow(expect.objectContaining({ code: 'input_invalid' }))
})

test('an agent reads from every forge through one, and has no method to write', async () => {
  const forge = readOnly(forgesFrom({ github, gitlab }))
  expect(Object.keys(forge ?? {}).sort()).toEqual([
    ...[
      'branchSha',
      'checks',
      'comments',
      'commitsBetween',
      'defaultBranch',
      'deploymentStatuses',
      'deployments',
      'diff',
    ],
    ...['isOwn', 'isTeamMember', 'issue', 'permission', 'pullRequest', 'pullRequestHead', 'pullRequests', 'readFile'],
    ...['reviewThreads', 'reviews', 'tagSha'],
  ])
  expect(await forge?.defaultBranch('acme/shop')).toBe('github defaultBranch "acme/shop"')
  expect(await forge?.branchSha('gitlab:acme/shop', 'main')).toBe('gitlab branchSha "acme/shop" "main"')
  expect(await forge?.readFile('acme/shop', 'a', 'main')).toBe('github readFile "acme/shop" "a" "main"')
  expect(await forge?.pullRequests('gitlab:a/b', { state: 'all' })).toBe('gitlab pullRequests "a/b" {"state":"all"}')
  await expect(forge?.defaultBranch('bitbucket:a/b')).rejects.toThrow(GiveUp)
})

test('without any forge an agent has none', () => {
  expect(readOnly(forgesFrom({ github: null }))).toBeNull()
})
