// Deployments that something goes wrong with between their attempts: another configuration, a
// checkout that fails, receipts that are lost.
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import { deploy } from '../src/agents/deploy/deploy.ts'
import type { DeployOptions } from '../src/agents/deploy/options.ts'
import { DEPLOY_RULES } from '../src/config/deploy-rules.ts'
import { openTestDatabase } from './database.ts'
import { openDeployStage, openScript, shownDeployments } from './deploy-stage.ts'
import { openTestFolder } from './folder.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

async function allEnded({ count }: TestSignalbox): Promise<void> {
  await until('every job has ended', async () => (await count('signalbox.jobs', 'finished_at is null')) === 0)
}

test('a checkout that fails is made again: the program was not begun, so nothing is rolled back', async () => {
  const folder = await openTestFolder()
  const [mirrors, away] = [join(folder, 'mirrors'), join(folder, 'away')]
  const stage = await openDeployStage({ environment: { checkout: true }, env: { GIT_MIRRORS_DIR: mirrors } })
  onTestFinished(stage.close)
  const { github, signalbox } = stage
  // A push would have the mirror fetched at the same time.
  github.faults.addWebhook({ event: 'push', kind: 'drop', times: 2 })
  await stage.release('v1')
  await stage.ended(1)
  github.faults.add({
    method: 'POST',
    route: '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
    skip: 1,
    async after() {
      await rename(mirrors, away)
      await writeFile(mirrors, '')
    },
  })
  const sha = await stage.release('v2')
  await until('the checkout has failed', async () => (await signalbox.count('signalbox.job_attempts')) === 2)
  await rm(mirrors)
  await rename(away, mirrors)
  await stage.ended(2)
  await allEnded(signalbox)
  const [before, made, ...others] = await stage.deployments()
  expect(before?.states.at(-1)).toBe('inactive')
  expect(made).toMatchObject({ sha, states: ['queued', 'in_progress', 'success'] })
  expect([others, (await stage.ran()).map(({ kind }) => kind)]).toEqual([[], ['deploy', 'deploy']])
})

async function changeEnvironments(changed: (run: readonly [string]) => DeployOptions['environments']) {
  const github = await openFakeGithub()
  onTestFinished(() => github.close())
  const shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  const token = github.addToken({ login: 'acme' })
  const { script, behave, ran } = await openScript()
  const database = await openTestDatabase()
  onTestFinished(() => database.close())
  const open = (environments: DeployOptions['environments']) =>
    openTestSignalbox({
      database,
      config: { agents: [deploy({ environments, isolation: 'none' })], rules: [...DEPLOY_RULES] },
      env: { GITHUB_TOKEN: token, GITHUB_API_URL: github.apiUrl },
    })
  const first = await open({ production: { run: [script] } })
  await shop.addWebhook({ url: `${first.url}/webhook/github`, secret: SECRET })
  await behave('exec sleep 600')
  await shop.publishRelease({ tag: 'v1' })
  await until('it runs', async () => (await ran()).length === 1)
  await first.close()
  const second = await open(changed([script]))
  onTestFinished(() => second.close())
  await allEnded(second)
  const [shown] = await shownDeployments(github, token)
  return [shown?.states, shown?.said.at(-1)]
}

test('a deployment whose environment has another name, or other repositories, after a restart is not left in progress', async () => {
  // At once: each closing waits 20 s for the program.
  const shown = await Promise.all([
    changeEnvironments((run) => ({ live: { run } })),
    changeEnvironments((run) => ({ production: { run, repositories: ['acme/other'] } })),
  ])
  const error = [['queued', 'in_progress', 'error'], expect.stringContaining('half-way')]
  expect(shown).toEqual([error, error])
})

const DEPLOYMENTS = '/repos/{owner}/{repo}/deployments'
const STATUSES = `${DEPLOYMENTS}/{deployment_id}/statuses`

const FAULTS = {
  'the answer about the deployment is lost': { route: DEPLOYMENTS, kind: 'lostResponse' },
  'the answer about the first status is lost': { route: STATUSES, kind: 'lostResponse' },
  'the answer about the second status is lost': { route: STATUSES, kind: 'lostResponse', skip: 1 },
  'the answer about the last status is lost': { route: STATUSES, kind: 'lostResponse', skip: 2 },
  'GitHub answers 502': { route: STATUSES, kind: 'status', status: 502, skip: 1 },
  'GitHub limits the rate': { route: STATUSES, kind: 'secondaryRateLimit', retryAfterSeconds: 1, skip: 1 },
} as const

test('each status is there once, and the program is run once, whatever GitHub answers', async () => {
  // At once: each waits 15 s for a request that may still be carried out.
  const each = Object.entries(FAULTS).map(async ([name, fault]) => {
    const stage = await openDeployStage()
    onTestFinished(stage.close)
    const struck = stage.github.faults.add({ ...fault, method: 'POST' })
    await stage.release('v1')
    await stage.ended(1)
    await allEnded(stage.signalbox)
    expect(struck.hits, name).toBe(1)
    expect(await stage.deployments(), name).toMatchObject([{ states: ['queued', 'in_progress', 'success'] }])
    expect(await stage.ran(), name).toHaveLength(1)
  })
  await Promise.all(each)
})

test('a deployment that is cancelled is settled, and one that is then asked for again ends well', async () => {
  const stage = await openDeployStage()
  onTestFinished(stage.close)
  await stage.behave('exec sleep 600')
  await stage.release('v1')
  await until('it runs', async () => (await stage.ran()).length === 1)
  const { id } = await stage.job(`status = 'running'`)
  await stage.signalbox.api(`/api/jobs/${id}/cancel`, { method: 'POST' })
  await allEnded(stage.signalbox)
  expect(await stage.deployments()).toMatchObject([{ states: ['queued', 'in_progress', 'error'] }])
  await stage.behave('')
  await stage.signalbox.api(`/api/jobs/${id}/retry`, { method: 'POST', body: { from_start: true } })
  await allEnded(stage.signalbox)
  expect((await stage.deployments()).map(({ states }) => states.at(-1))).toEqual(['success'])
})
