import { afterAll, expect, test } from 'vitest'
import { GiveUp } from '../lib/error.ts'
import type { CommitOutput } from './commit.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'

const stage = await openKindsStage()
const { send } = stage
afterAll(() => stage.close())

const REF = '/repos/{owner}/{repo}/git/refs/{ref}'

async function openBranch() {
  const repo = await stage.makeRepository()
  await repo.commit({ message: 'start', files: { 'b.txt': 'b' }, branch: 'signalbox/work' })
  const output: CommitOutput = {
    kind: 'commit',
    repository: repo.fullName,
    branch: 'signalbox/work',
    message: 'Format',
    changes: [{ path: 'src/a.txt', content: 'formatted\n' }],
    key: 'format',
  }
  const messages = async () => {
    const { data } = await stage.owner.repos.listCommits({ owner: 'acme', repo: repo.name, sha: 'signalbox/work' })
    return data.map(({ commit }) => commit.message.split('\n')[0])
  }
  return { repo, output, messages, head: () => repo.head('signalbox/work') }
}

test('a commit is made on top of whatever the branch is at that moment', async () => {
  const { repo, output, messages, head } = await openBranch()
  const move = () =>
    repo.commit({ message: 'theirs', files: { 'c.txt': 'c' }, branch: 'signalbox/work' }).then(() => {})
  stage.fake.faults.add({ method: 'PATCH', route: REF, before: move })
  const receipt = await send(output)
  expect(await messages()).toEqual(['Format', 'theirs', 'start', 'Initial commit'])
  const sha = await head()
  expect(receipt).toEqual({ url: `${repo.htmlUrl}/commit/${sha}`, branch: 'signalbox/work', sha, created: true })
  await move()
  expect(await send(output)).toEqual({ ...receipt, created: false })
  expect(await send({ ...output, key: 'other' })).toBe(null)
})

test('with its parent named, a commit does not overwrite what others changed since', async () => {
  const { repo, output, messages, head } = await openBranch()
  const parent = (await head()) ?? ''
  await repo.commit({ message: 'elsewhere', files: { 'c.txt': 'c' }, branch: 'signalbox/work' })
  expect(await send({ ...output, parent })).toMatchObject({ created: true })
  const stale = { ...output, parent, key: 'again', changes: [{ path: 'c.txt', content: 'mine' }] }
  await expect(send(stale)).rejects.toThrow(GiveUp)
  await expect(send(stale)).rejects.toThrow(`The file c.txt changed on signalbox/work of ${repo.fullName} since`)
  expect(await messages()).toHaveLength(4)
})

test('a trailer in the commit of somebody else is not believed', async () => {
  const { repo, output } = await openBranch()
  const message = 'Format\n\nSignalbox-Key: job=a/format\n'
  await repo.commit({ message, files: { 'src/a.txt': 'bad' }, branch: 'signalbox/work', author: 'mallory' })
  expect(await send(output)).toMatchObject({ created: true })
  expect(await repo.readFile('signalbox/work', 'src/a.txt')).toBe('formatted\n')
})

test('only branches and paths that the policy allows are written, and only those that are there', async () => {
  const { output } = await openBranch()
  await expect(send({ ...output, branch: 'main' })).rejects.toThrow(/The branch main is not one of agenta/)
  const workflow = { ...output, changes: [{ path: '.github/workflows/x.yml', content: '' }] }
  await expect(send(workflow)).rejects.toThrow(/x\.yml is protected/)
  await expect(send({ ...output, branch: 'signalbox/none' })).rejects.toThrow(/has no branch signalbox\/none/)
  const onMain = { id: 'a', policy: { repositories: ['**'], outputs: { commit: { branches: ['main'] } } } }
  expect(await send({ ...output, branch: 'main' }, onMain)).toMatchObject({ branch: 'main', created: true })
})
