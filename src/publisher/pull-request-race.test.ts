import { afterAll, expect, test } from 'vitest'
import { openStage } from './fixtures/stage.ts'

const stage = await openStage()
const { fake, makeRepository, send, commitsOn, expectExactlyOne, expectUpdated } = stage
afterAll(() => fake.close())

test('twice at once, and ten times at once, leaves exactly one of everything', async () => {
  const repo = await makeRepository()
  const receipts = await Promise.all(Array.from({ length: 10 }, () => send(repo, 1)))
  expect(new Set(receipts.map((receipt) => receipt?.number))).toEqual(new Set([1]))
  expect(receipts.filter((receipt) => receipt?.created)).toHaveLength(1)
  await expectExactlyOne(repo, 1)
})

test('an update twice at once makes one commit', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await Promise.all([send(repo, 2), send(repo, 2), send(repo, 2)])
  await expectUpdated(repo)
})

test('two updates at once both arrive, and the newer one wins', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  await Promise.all([send(repo, 3), send(repo, 2)])
  expect(await repo.readFile('agenta/deploy-bot-1', 'deployments/bot/production.json')).toBe('{"deployment": 3}\n')
  expect(await repo.pulls()).toHaveLength(1)
})

test('a pull request merged while its update is on the way: the work gets its own', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  fake.faults.add({ method: 'PATCH', route: /\/git\/refs\//, before: () => repo.mergePullRequest(1) })
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: true, branch: 'agenta/deploy-bot-2' })
  expect(await repo.readFile('agenta/deploy-bot-2', 'deployments/bot/production.json')).toBe('{"deployment": 2}\n')
  expect(await send(repo, 2)).toMatchObject({ number: 2, created: false })
})

test('a branch that moves during the update is read again and kept', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  fake.faults.add({
    method: 'PATCH',
    route: /\/git\/refs\//,
    before: () => repo.commit({ message: 'By hand', files: { 'NOTES.md': 'x' }, branch: 'agenta/deploy-bot-1' }),
  })
  await send(repo, 2)
  expect(await commitsOn(repo, 'agenta/deploy-bot-1')).toEqual([
    'Deploy v1 to production',
    'By hand',
    'Deploy v2 to production',
  ])
})

test('a branch that never stops moving is a failure worth a retry', async () => {
  const repo = await makeRepository()
  await send(repo, 1)
  const fault = fake.faults.add({
    method: 'PATCH',
    route: /\/git\/refs\//,
    times: 100,
    before: () => repo.commit({ message: 'Again', files: { n: String(Math.random()) }, branch: 'agenta/deploy-bot-1' }),
  })
  await expect(send(repo, 2)).rejects.toThrow(/moves faster/)
  fault.remove()
})
