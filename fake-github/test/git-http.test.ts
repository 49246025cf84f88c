// Clone, fetch and push with the real git.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { openWorld } from './world.ts'

let world: World
let dir: string
beforeEach(async () => {
  world = await openWorld()
  dir = await mkdtemp(join(tmpdir(), 'fake-github-test-'))
})
afterEach(async () => {
  await rm(dir, { recursive: true, force: true })
  await world.close()
})

const env = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Dev',
  GIT_AUTHOR_EMAIL: 'dev@example.com',
  GIT_COMMITTER_NAME: 'Dev',
  GIT_COMMITTER_EMAIL: 'dev@example.com',
}

async function git(...args: string[]): Promise<string> {
  return (await promisify(execFile)('git', args, { env, cwd: dir })).stdout.trim()
}

function withToken(url: string, token: string): string {
  return url.replace('://', `://x-access-token:${token}@`)
}

function write(name: string, text: string): Promise<void> {
  return writeFile(join(dir, 'work', name), text)
}

async function clone(token: string): Promise<void> {
  await git('clone', '--quiet', withToken(world.repo.cloneUrl, token), 'work')
}

test('a push with a token moves the branch and sends a push event like GitHub', async () => {
  const { github, repo, receiver } = world
  await world.listen()
  await clone(github.addToken({ login: 'bot' }))
  const before = await git('-C', 'work', 'rev-parse', 'HEAD')
  await write('new.txt', 'new\n')
  await write('README.md', '# Changed\n')
  await git('-C', 'work', 'rm', '--quiet', 'src/deep/b.txt')
  await git('-C', 'work', 'add', '.')
  await git('-C', 'work', 'commit', '--quiet', '-m', 'From git')
  await git('-C', 'work', 'push', '--quiet', 'origin', 'HEAD')
  const after = await git('-C', 'work', 'rev-parse', 'HEAD')
  expect(await repo.head()).toBe(after)
  expect(await repo.readFile('main', 'new.txt')).toBe('new\n')
  await github.settled()
  const push = receiver.arrivals.find(({ event }) => event === 'push')?.payload
  expect(push).toMatchObject({
    ref: 'refs/heads/main',
    before,
    after,
    created: false,
    deleted: false,
    forced: false,
    pusher: { name: 'bot' },
    repository: { full_name: 'acme/app', master_branch: 'main' },
    head_commit: { id: after, message: 'From git' },
    commits: [{ id: after, added: ['new.txt'], removed: ['src/deep/b.txt'], modified: ['README.md'] }],
  })
  expect(push?.compare).toContain(`/acme/app/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`)
})

test('branches and tags that come, are forced and go make their events', async () => {
  const { github, receiver } = world
  await clone(github.addToken({ login: 'bot' }))
  await world.listen()
  const commit = (...args: string[]) => git('-C', 'work', 'commit', '--quiet', '--allow-empty', ...args)
  await git('-C', 'work', 'checkout', '--quiet', '-b', 'feature')
  await commit('-m', 'one')
  await git('-C', 'work', 'tag', '-a', 'v1', '-m', 'Version 1')
  await git('-C', 'work', 'push', '--quiet', 'origin', 'feature', 'v1')
  await commit('--amend', '-m', 'two')
  await git('-C', 'work', 'push', '--quiet', '--force', 'origin', 'feature')
  await git('-C', 'work', 'push', '--quiet', '--delete', 'origin', 'feature')
  await github.settled()
  expect(receiver.names()).toEqual(['create', 'create', 'delete', 'ping', 'push', 'push', 'push', 'push'])
  const pushes = receiver.arrivals.filter(({ event }) => event === 'push').map(({ payload }) => payload)
  const flags = pushes.map(({ ref, created, forced, deleted }) => JSON.stringify({ ref, created, forced, deleted }))
  expect(flags.toSorted()).toEqual([
    '{"ref":"refs/heads/feature","created":false,"forced":false,"deleted":true}',
    '{"ref":"refs/heads/feature","created":false,"forced":true,"deleted":false}',
    '{"ref":"refs/heads/feature","created":true,"forced":false,"deleted":false}',
    '{"ref":"refs/tags/v1","created":true,"forced":false,"deleted":false}',
  ])
  expect(pushes.find(({ ref, created }) => created && ref === 'refs/heads/feature')).toMatchObject({
    commits: [{ message: 'one' }],
  })
})

test('a push to the head of a pull request synchronises it, and its head can be fetched', async () => {
  const { github, repo, receiver } = world
  await world.branch('feature')
  await repo.openPullRequest({ title: 'P', head: 'feature' })
  await world.listen()
  await clone(github.addToken({ login: 'bot' }))
  await git('-C', 'work', 'checkout', '--quiet', 'feature')
  await git('-C', 'work', 'commit', '--quiet', '--allow-empty', '-m', 'pushed')
  await git('-C', 'work', 'push', '--quiet', 'origin', 'feature')
  const sha = await git('-C', 'work', 'rev-parse', 'HEAD')
  await git('-C', 'work', 'fetch', '--quiet', 'origin', 'refs/pull/1/head')
  expect(await git('-C', 'work', 'rev-parse', 'FETCH_HEAD')).toBe(sha)
  await github.settled()
  expect(receiver.names()).toEqual(['ping', 'pull_request.synchronize', 'push'])
})

test('a pull request whose head is pushed to its base by hand counts as merged', async () => {
  const { github, repo, receiver } = world
  await world.branch('feature')
  await repo.openPullRequest({ title: 'P', head: 'feature' })
  await world.listen()
  await clone(github.addToken({ login: 'bot' }))
  await git('-C', 'work', 'push', '--quiet', 'origin', 'origin/feature:main')
  await github.settled()
  expect(receiver.names()).toEqual(['ping', 'pull_request.closed', 'push'])
  expect((await repo.pulls())[0]?.merged_at).not.toBeNull()
})

test('who may not is refused', async () => {
  const { github } = world
  const hidden = await github.addRepository({ owner: 'acme', name: 'hidden', private: true, files: { a: 'a' } })
  const answerAt = async (url: string) => {
    try {
      await git('ls-remote', url)
      return 'ok'
    } catch (error) {
      return (error as { stderr: string }).stderr
    }
  }
  expect(await answerAt(world.repo.cloneUrl)).toBe('ok')
  expect(await answerAt(hidden.cloneUrl)).toMatch(/could not read Username|Authentication failed/)
  expect(await answerAt(withToken(hidden.cloneUrl, 'wrong'))).toMatch(/Authentication failed/)
  expect(await answerAt(withToken(hidden.cloneUrl, github.addToken({ login: 'guest' })))).toMatch(/not found/)
  expect(await answerAt(withToken(hidden.cloneUrl, github.addToken({ login: 'acme' })))).toBe('ok')

  await clone(github.addToken({ login: 'guest' }))
  await expect(git('-C', 'work', 'push', 'origin', 'HEAD:refs/heads/mine')).rejects.toThrow(/403/)
  await git('-C', 'work', 'remote', 'set-url', 'origin', world.repo.cloneUrl)
  await expect(git('-C', 'work', 'push', 'origin', 'HEAD:refs/heads/mine')).rejects.toThrow(/could not read Username/)
  const readOnly = github.addToken({ login: 'bot', permissions: { contents: 'read' } })
  await git('-C', 'work', 'remote', 'set-url', 'origin', withToken(world.repo.cloneUrl, readOnly))
  await expect(git('-C', 'work', 'push', 'origin', 'HEAD:refs/heads/mine')).rejects.toThrow(/403/)
  const probe = await fetch(`${hidden.cloneUrl}/info/refs?service=git-upload-pack`)
  expect([probe.status, probe.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="GitHub"'])
})

test('a client that vanishes in the middle of a push leaves the repository usable', async () => {
  const { github, repo } = world
  const { port } = new URL(github.url)
  const credentials = Buffer.from(`x:${github.addToken({ login: 'bot' })}`).toString('base64')
  const head = [
    'POST /acme/app.git/git-receive-pack HTTP/1.1',
    'Host: localhost',
    `Authorization: Basic ${credentials}`,
    'Content-Type: application/x-git-receive-pack-request',
    'Content-Length: 1000',
    'Expect: 100-continue',
  ]
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  // "100 Continue": the push has begun.
  await once(socket, 'data')
  socket.destroy()
  expect(await repo.commit({ message: 'still works', files: { a: 'a' } })).toBe(await repo.head())
})
