import { Octokit } from 'octokit'
import { afterAll, expect, test } from 'vitest'
import { GiveUp } from '../../lib/error.ts'
import { failure, openGithubStage } from './fixtures/stage.ts'
import { treeReader } from './tree-reader.ts'

const FILES = { 'README.md': 'x\n', 'docs/a.md': 'a\n', 'docs/deep/b.md': 'b\n' }

const stage = await openGithubStage(FILES)
const { fake, repo } = stage
afterAll(() => stage.close())

const at = { owner: 'acme', repo: 'shop' }
const octokit = new Octokit({ baseUrl: fake.apiUrl, auth: fake.addToken({ login: 'acme' }) })

async function openReader() {
  const { data } = await octokit.rest.git.getCommit({ ...at, commit_sha: (await repo.head()) ?? '' })
  return treeReader(octokit, at, data.tree.sha)
}

test('files are found at any depth, with their mode', async () => {
  const reader = await openReader()
  for (const path of Object.keys(FILES)) {
    expect(await reader.fileAt(path)).toEqual({
      type: 'blob',
      mode: '100644',
      sha: expect.stringMatching(/^[0-9a-f]{40}$/),
    })
  }
})

test.each(['none', 'docs/none', 'docs/deep/none', 'none/deep/x', 'readme.md', 'docs/a.md2'])(
  'there is no file %s',
  async (path) => expect(await (await openReader()).fileAt(path)).toBeNull(),
)

test.each([
  ['docs', 'The path docs is not a file in the repository.'],
  ['docs/deep', 'The path docs/deep is not a file in the repository.'],
  ['README.md/x', 'The path README.md/x leads through README.md, which is not a directory.'],
  ['docs/a.md/x/y', 'The path docs/a.md/x/y leads through docs/a.md, which is not a directory.'],
])('%s is refused for good', async (path, message) => {
  const error = await failure((await openReader()).fileAt(path))
  expect(error).toBeInstanceOf(GiveUp)
  expect((error as GiveUp).message).toBe(message)
})

test('a directory is read once, and only when it is on the way', async () => {
  const reader = await openReader()
  const reads = async (path: string) => {
    const before = fake.requests.length
    await reader.fileAt(path)
    return fake.requests.length - before
  }
  expect(await reads('README.md')).toBe(1)
  expect(await reads('docs/a.md')).toBe(1)
  expect(await reads('docs/deep/b.md')).toBe(1)
  expect(await reads('docs/deep/none')).toBe(0)
})
