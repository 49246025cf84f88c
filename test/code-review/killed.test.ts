// A review whose service is killed at each of its writes to GitHub, and at each question to the
// model: one review, one settled check, whatever was lost.
import { createHmac, randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, expect, test } from 'vitest'
import { openTestDatabase } from '../database.ts'
import { openFakeModel } from '../fake-model/fake-model.ts'
import { openTestFolder } from '../folder.ts'
import { kill, startService } from '../process.ts'
import { SECRET, until } from '../signalbox.ts'
import type { ProcessOptions } from './process.ts'
import { answerWith, sum } from './stage.ts'

const SCRIPT = fileURLToPath(new URL('process.ts', import.meta.url))
const LEASE_MS = 1500

const github = await openFakeGithub()
const app = github.addApp({
  slug: 'signalbox',
  permissions: { contents: 'write', checks: 'write', pull_requests: 'write', issues: 'write', statuses: 'write' },
})
const acme = github.addToken({ login: 'acme' })
app.install('acme')
afterAll(() => github.close())

let count = 0

/** Kills the service after its step number `at`, and returns how many steps there were. */
async function reviewKilledAt(at: number): Promise<number> {
  count += 1
  const repo = await github.addRepository({ owner: 'acme', name: `killed-${count}`, files: { 'src/sum.ts': sum() } })
  const database = await openTestDatabase()
  const model = await openFakeModel()
  const options: ProcessOptions = {
    databaseUrl: database.url,
    leaseMs: LEASE_MS,
    env: {
      GITHUB_APP_ID: String(app.appId),
      GITHUB_APP_PRIVATE_KEY: app.privateKeyPem,
      GITHUB_API_URL: github.apiUrl,
      SIGNALBOX_DATA_DIR: await openTestFolder(),
      SIGNALBOX_MODEL: 'own-x',
      SIGNALBOX_MODEL_URL: `${model.url}/v1`,
    },
  }
  const first = await startService(SCRIPT, options)
  let steps = 0
  const stepDone = async () => {
    steps += 1
    if (steps === at) await kill(first.child)
  }
  model.answers(() => {
    void stepDone()
    return answerWith({ path: 'src/sum.ts', line: 2, title: 'It subtracts.' })
  })
  const fault = github.faults.add({
    route: new RegExp(`^/repos/${repo.fullName}/`),
    times: 1000,
    after: async ({ method }) => {
      if (method !== 'GET') await stepDone()
    },
  })
  const sha = await repo.commit({ message: 'Change', branch: 'topic', files: { 'src/sum.ts': sum('return a - b') } })
  const { number, ...pull } = await repo.openPullRequest({ title: 'Change', head: 'topic' })
  const payload = {
    action: 'opened',
    number,
    pull_request: { number, ...pull },
    repository: { full_name: repo.fullName, default_branch: 'main' },
    sender: { login: 'acme', type: 'User' },
  }
  const body = JSON.stringify(payload)
  const answer = await fetch(`${first.url}/webhook/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'pull_request',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
    },
    body,
  })
  expect(answer.status, await answer.text()).toBeLessThan(300)
  const job = async () =>
    (await database.query<{ status: string; error: string }>('select status, error from signalbox.jobs')).rows[0]
  await until(
    'the process is dead, or the job done',
    async () => first.child.signalCode !== null || (await job())?.status === 'completed',
    60_000,
  )
  const second = await startService(SCRIPT, options)
  await until(`the job is done (killed at ${at})`, async () => (await job())?.status === 'completed', 60_000)
  const read = async (path: string) =>
    (
      await fetch(`${github.apiUrl}/repos/${repo.fullName}/${path}`, { headers: { authorization: `Bearer ${acme}` } })
    ).json()
  expect(await read(`pulls/${number}/reviews`), `killed at ${at}`).toMatchObject([{ commit_id: sha }])
  expect(await read(`pulls/${number}/comments`), `killed at ${at}`).toMatchObject([{ path: 'src/sum.ts', line: 2 }])
  expect(await read(`commits/${sha}/check-runs`), `killed at ${at}`).toMatchObject({
    total_count: 1,
    check_runs: [{ status: 'completed', conclusion: 'neutral', output: { title: '1 finding' } }],
  })
  const { rows } = await database.query('select status from signalbox.findings')
  expect(rows).toEqual([{ status: 'open' }])
  fault.remove()
  model.close()
  await Promise.all([kill(first.child), kill(second.child)])
  await database.close()
  return steps
}

test('a review is written once and its check settled, whichever step the service is killed at', {
  timeout: 300_000,
}, async () => {
  const steps = await reviewKilledAt(0)
  expect(steps).toBeGreaterThanOrEqual(4)
  for (let at = 1; at <= steps; at += 2) await Promise.all([at, at + 1].map(reviewKilledAt))
})
