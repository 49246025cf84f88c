// A deployment whose service is killed at each of its writes to the forge: one pull request, one
// check, whatever was lost.
import { fileURLToPath } from 'node:url'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { openTestDatabase } from './database.ts'
import type { ProcessOptions } from './fixtures/deployment-pr/process.ts'
import { kill, startService } from './process.ts'
import { TOKEN, until } from './signalbox.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/deployment-pr/process.ts', import.meta.url))
const LEASE_MS = 1500

const fake = await openFakeGithub()
afterAll(() => fake.close())

let count = 0

/**
 * Deploys, and kills the service at its write number `at`, after GitHub has done it. Returns the
 * number of writes.
 */
async function deployKilledAt(at: number): Promise<number> {
  count += 1
  const repo = await fake.addRepository({ owner: 'acme', name: `killed-${count}`, files: { 'README.md': 'x\n' } })
  const database = await openTestDatabase()
  const token = fake.addToken({ login: 'acme' })
  const options: ProcessOptions = {
    databaseUrl: database.url,
    apiUrl: fake.apiUrl,
    token,
    repository: repo.fullName,
    leaseMs: LEASE_MS,
  }
  const first = await startService(SCRIPT, options)
  let writes = 0
  const fault = fake.faults.add({
    route: new RegExp(`^/repos/${repo.fullName}/`),
    times: 1000,
    after: async ({ method }) => {
      if (method === 'GET') return
      writes += 1
      if (writes === at) await kill(first.child)
    },
  })
  const config = { temperature: 2 }
  const names = { project_id: 'p', app_name: 'bot', variant_name: 'v1', environment: 'production', deployed_by: 'jane' }
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ ...names, config })
  const answer = await fetch(`${first.url}/api/deployments`, { method: 'POST', headers, body })
  expect(answer.status).toBe(201)
  const statusOf = async () =>
    (await database.query<{ status: string }>('select status from signalbox.jobs')).rows[0]?.status
  await until(
    'the process is dead, or the job done',
    async () => first.child.signalCode !== null || (await statusOf()) === 'completed',
  )
  const second = await startService(SCRIPT, options)
  await until('the job is done', async () => (await statusOf()) === 'completed', 60_000)
  const [pull, ...others] = await repo.pulls('all')
  expect(others).toEqual([])
  expect(pull).toMatchObject({ state: 'open', title: '🤖 Deploy bot to production' })
  expect((await repo.branches()).sort()).toEqual([pull?.head.ref, 'main'].sort())
  expect(pull?.labels.map(({ name }) => name).sort()).toEqual(['agenta-deployment', 'production'])
  const commits = `${fake.apiUrl}/repos/${repo.fullName}/commits/${pull?.head.sha}`
  const statuses = await (await fetch(`${commits}/statuses`, { headers: { authorization: `Bearer ${token}` } })).json()
  expect(statuses).toMatchObject([
    { context: 'Deployed configuration', state: 'failure', description: '$.temperature must be <= 1' },
  ])
  expect(statuses).toHaveLength(1)
  fault.remove()
  await Promise.all([kill(first.child), kill(second.child)])
  await database.close()
  return writes
}

test('a deployment has one pull request and one check, whichever write the service is killed at', {
  timeout: 300_000,
}, async () => {
  const writes = await deployKilledAt(0)
  expect(writes).toBeGreaterThan(6)
  for (let at = 1; at <= writes; at += 2) await Promise.all([at, at + 1].map(deployKilledAt))
})
