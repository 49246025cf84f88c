// Which repository and which commit an attempt gets.
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { GiveUp } from '../lib/error.ts'
import type { CheckoutContext } from './checkout.ts'
import { checkoutOf } from './checkout.ts'
import type { Mirrors, Wanted } from './mirrors.ts'
import { openWorkspaces } from './workspace.ts'

const SHA = 'a'.repeat(40)

let asked: Omit<Wanted, 'folder' | 'signal'>[] = []
let released = 0
beforeEach(() => {
  asked = []
  released = 0
})

const mirrors: Mirrors = {
  async checkout({ repository, ref, folder }) {
    asked.push({ repository, ref })
    await access(folder)
    const release = async () => {
      await expect(access(folder)).rejects.toThrow('ENOENT')
      released += 1
    }
    return {
      sha: SHA,
      objects: '/the/objects',
      fetched: asked.length > 1 ? { bytes: 1_234_567, ms: 812 } : null,
      release,
    }
  },
  sync: async () => {},
  syncAll: async () => {},
}

function attempt(more: Partial<CheckoutContext> = {}) {
  const { signal } = new AbortController()
  const workspaces = openWorkspaces(signal)
  onTestFinished(() => workspaces.remove())
  const lines: string[] = []
  const context = { mirrors, workspaces, signal, facts: undefined, policy: null, ...more }
  return { checkout: checkoutOf({ ...context, log: (line) => void lines.push(line) }), workspaces, lines }
}

test.each([
  [{ sha: SHA, branch: 'main', tag: 'v1' }, SHA],
  [{ branch: 'main', tag: 'v1' }, 'refs/tags/v1'],
  [{ branch: 'main' }, 'refs/heads/main'],
  [{}, 'HEAD'],
])('an event with %j is checked out at %s', async (facts, ref) => {
  await attempt({ facts: { repository: 'acme/shop', ...facts } }).checkout()
  expect(asked).toEqual([{ repository: 'acme/shop', ref }])
})

test("a ref that is named wins, and the event's own repository is always allowed, however it is written", async () => {
  const { checkout } = attempt({ facts: { repository: 'acme/shop', sha: SHA }, policy: { repositories: ['other/*'] } })
  await checkout({ ref: 'topic' })
  await checkout({ repository: 'github:Acme/Shop' })
  expect(asked).toEqual([
    { repository: 'acme/shop', ref: 'topic' },
    { repository: 'acme/shop', ref: SHA },
  ])
})

test('another repository must be one that the policy of the rule names', async () => {
  const facts = { repository: 'acme/shop', sha: SHA }
  const refused = attempt({ facts }).checkout({ repository: 'acme/secrets' })
  await expect(refused).rejects.toBeInstanceOf(GiveUp)
  await expect(refused).rejects.toThrow("acme/secrets is not the repository of the event; the rule's repositories")
  const { checkout } = attempt({ facts, policy: { repositories: ['github:acme/*', '!acme/secrets'] } })
  await expect(checkout({ repository: 'acme/secrets' })).rejects.toBeInstanceOf(GiveUp)
  await checkout({ repository: 'acme/docs' })
  // The commit is the event's, and is in the event's repository only.
  expect(asked).toEqual([{ repository: 'acme/docs', ref: 'HEAD' }])
})

test('without a repository in the event one must be named', async () => {
  await expect(attempt().checkout()).rejects.toThrow('repository: is required')
  const { checkout } = attempt({ policy: { repositories: ['acme/*'] } })
  await checkout({ repository: 'acme/shop' })
  await expect(checkout({ repository: '../etc' })).rejects.toThrow(GiveUp)
  await expect(checkout({ path: '/etc' } as never)).rejects.toThrow('unknown field "path"')
})

test('what was fetched is in the log', async () => {
  const { checkout, lines } = attempt({ facts: { repository: 'acme/shop', sha: SHA } })
  await checkout()
  await checkout()
  expect(lines).toEqual([
    'acme/shop: nothing to fetch; worktree at aaaaaaa',
    'acme/shop: fetched 1.2 MB in 0.8 s; worktree at aaaaaaa',
  ])
})

test('its mirror is released when its folder is removed, not before', async () => {
  const { checkout, workspaces } = attempt({ facts: { repository: 'acme/shop' } })
  const { folder } = await checkout()
  expect(released).toBe(0)
  await workspaces.remove()
  await expect(readFile(join(folder, 'x'))).rejects.toThrow('ENOENT')
  expect(released).toBe(1)
})

test('one that is still being made is waited for before it is removed', async () => {
  const slow = Promise.withResolvers<void>()
  const waiting: Mirrors = {
    ...mirrors,
    async checkout(wanted) {
      await slow.promise
      return mirrors.checkout(wanted)
    },
  }
  const { checkout, workspaces } = attempt({ mirrors: waiting, facts: { repository: 'acme/shop' } })
  const made = checkout()
  const removed = workspaces.remove()
  slow.resolve()
  await removed
  await expect(access((await made).folder)).rejects.toThrow('ENOENT')
  expect(released).toBe(1)
})
