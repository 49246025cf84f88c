import { afterAll, expect, test } from 'vitest'
import type { DeploymentStatusOutput } from './deployment-status.ts'
import { openKindsStage } from './fixtures/kinds-stage.ts'

const stage = await openKindsStage()
const { send, owner } = stage
afterAll(() => stage.close())

async function openDeploy() {
  const repo = await stage.makeRepository()
  const output: DeploymentStatusOutput = {
    kind: 'deployment_status',
    repository: repo.fullName,
    target: { ref: 'main', environment: 'staging' },
    state: 'in_progress',
    key: 'deploy',
  }
  const at = { owner: 'acme', repo: repo.name }
  return {
    repo,
    output,
    at,
    deployments: async () => (await owner.repos.listDeployments(at)).data,
    states: async (deployment_id: number) =>
      (await owner.repos.listDeploymentStatuses({ ...at, deployment_id })).data.map(({ state }) => state),
  }
}

test('the statuses of one key of a job are those of one deployment', async () => {
  const { output, deployments, states, repo } = await openDeploy()
  const first = await send(output)
  const environmentUrl = 'https://staging.example'
  const second = await send({ ...output, state: 'success', description: 'Live', environmentUrl })
  const [deployment, ...others] = await deployments()
  expect(others).toEqual([])
  expect(deployment).toMatchObject({ environment: 'staging', creator: { login: stage.bot } })
  expect(first).toEqual({ url: `${repo.htmlUrl}/deployments`, number: deployment?.id, created: true })
  expect(second).toEqual({ url: environmentUrl, number: deployment?.id, created: true })
  expect(await states(deployment?.id ?? 0)).toEqual(['success', 'in_progress'])
  await send(output, { id: 'b' })
  expect(await deployments()).toHaveLength(2)
})

test('somebody else’s deployment with our key is not ours, and a deployment may be named', async () => {
  const { output, at, deployments, states } = await openDeploy()
  const theirs = await owner.repos.createDeployment({
    ...at,
    ref: 'main',
    environment: 'staging',
    payload: { signalbox: 'job=a/deploy' },
    required_contexts: [],
  })
  await send(output)
  expect(await deployments()).toHaveLength(2)
  const id = (theirs.data as { id: number }).id
  expect(await states(id)).toEqual([])
  expect(await send({ ...output, target: { deployment: id } })).toMatchObject({ number: id, created: true })
  expect(await states(id)).toEqual(['in_progress'])
})

test('nothing is deployed without the checks that it needs', async () => {
  const { output, deployments } = await openDeploy()
  const target = { ref: 'main', environment: 'production', production: true, requiredContexts: ['ci'] }
  await expect(send({ ...output, target })).rejects.toThrow(/Conflict/)
  expect(await deployments()).toEqual([])
})

test('a branch that is deployed stays as it is', async () => {
  const { repo, output, deployments } = await openDeploy()
  const behind = await repo.commit({ message: 'c', files: { a: 'a' }, branch: 'feature' })
  await repo.commit({ message: 'newer', files: { b: 'b' } })
  await send({ ...output, target: { ref: 'feature', environment: 'staging' } })
  expect(await repo.head('feature')).toBe(behind)
  expect((await deployments()).map(({ sha }) => sha)).toEqual([behind])
})
