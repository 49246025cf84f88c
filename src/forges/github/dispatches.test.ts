import { afterAll, afterEach, expect, test } from 'vitest'
import { failure, openGithubStage } from './fixtures/stage.ts'

const workflow = 'on:\n  workflow_dispatch:\n    inputs:\n      app: {type: string}\n'
const stage = await openGithubStage({
  '.github/workflows/deploy.yml': workflow,
  '.github/workflows/ci.yml': 'on: push\n',
})
const { fake, forge } = stage
afterEach(() => fake.faults.clear())
afterAll(() => stage.close())

test('an event of a repository is created with its payload', async () => {
  await forge().dispatch('acme/shop', { eventType: 'prompt.changed', payload: { revision: 7 } })
  expect(fake.requests.at(-1)).toMatchObject({
    route: '/repos/{owner}/{repo}/dispatches',
    requestBody: { event_type: 'prompt.changed', client_payload: { revision: 7 } },
    status: 204,
  })
})

test('a workflow is run at a branch, with its inputs', async () => {
  await forge().dispatch('acme/shop', { workflow: 'deploy.yml', ref: 'main', inputs: { app: 'bot' } })
  expect(fake.requests.at(-1)).toMatchObject({
    path: '/repos/acme/shop/actions/workflows/deploy.yml/dispatches',
    requestBody: { ref: 'main', inputs: { app: 'bot' } },
  })
})

test('what GitHub does not take is a refusal, and what it cannot do now is for later', async () => {
  const run = (name: string) => failure(forge().dispatch('acme/shop', { workflow: name, ref: 'main', inputs: {} }))
  expect(await run('ci.yml')).toMatchObject({
    code: 'forge_failed',
    message: expect.stringContaining('workflow_dispatch'),
  })
  expect(await run('gone.yml')).toMatchObject({ code: 'forge_failed' })
  fake.faults.add({ kind: 'status', status: 502, method: 'POST', route: '/repos/{owner}/{repo}/dispatches' })
  const again = await failure(forge().dispatch('acme/shop', { eventType: 'x', payload: {} }))
  expect(again).toMatchObject({ name: 'RetryAt' })
})

test('it is sent once, also when no answer comes', async () => {
  const before = fake.requests.length
  fake.faults.add({ kind: 'status', status: 500, method: 'POST', route: '/repos/{owner}/{repo}/dispatches' })
  await failure(forge({ readRetries: 2 }).dispatch('acme/shop', { eventType: 'x', payload: {} }))
  expect(fake.requests.length - before).toBe(1)
})
