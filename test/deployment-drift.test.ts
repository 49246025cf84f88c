// Files that are not what was deployed last: found by a push, a closed pull request or by hand, and
// said once, by an event and a comment.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { DeploymentDetail, JobSummary, Page } from '@signalbox/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultRules } from '../src/config/default-rules.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const FILE = 'deployments/bot/production.json'

let github: FakeGithub
let repository: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  github = await openFakeGithub()
  repository = await github.addRepository({ owner: 'acme', name: 'prompts', files: { 'README.md': '# Prompts\n' } })
  const env = {
    GITHUB_TOKEN: github.addToken({ login: 'acme' }),
    GITHUB_API_URL: github.apiUrl,
    GITHUB_REPO: repository.fullName,
  }
  // Without reviews, which comment on pushes too.
  const rules = defaultRules.filter(({ agent }) => agent !== 'code-review')
  signalbox = await openTestSignalbox({ env, config: { rules } })
  await repository.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
})

/** Deploys, and returns the number of the open pull request. */
async function deploy(config: object, app = 'bot'): Promise<{ id: string; pull: number }> {
  const body = {
    project_id: 'p',
    app_name: app,
    variant_name: 'v',
    environment: 'production',
    config,
    deployed_by: 'jane',
  }
  const answer = await signalbox.api('/api/deployments', { method: 'POST', body })
  const { deployment_id: id } = (await answer.json()) as DeploymentDetail
  const pull = await until('its pull request is there', async () => {
    const shown = (await (await signalbox.api(`/api/deployments/${id}`)).json()) as DeploymentDetail
    return shown.pull_requests[0]?.number
  })
  await settled()
  return { id, pull }
}

async function merged(config: object, app = 'bot'): Promise<string> {
  const { id, pull } = await deploy(config, app)
  await repository.mergePullRequest(pull, 'acme')
  await settled()
  return id
}

/** Waits until all that follows has been done. */
async function settled() {
  await github.settled()
  await until('all jobs have ended', async () => {
    const open = `status in ('pending', 'running')`
    return (await signalbox.count('signalbox.jobs', open)) === 0 && (await signalbox.count('signalbox.jobs')) > 0
  })
}

async function edit(content: string | null, branch?: string): Promise<string> {
  const sha = await repository.commit({ message: 'By hand', files: { [FILE]: content }, ...(branch && { branch }) })
  await settled()
  return sha
}

async function fileWith(config: object): Promise<string> {
  const file = JSON.parse((await repository.readFile('main', FILE)) ?? '{}')
  return JSON.stringify({ ...file, config })
}

async function events() {
  const { rows } = await signalbox.database.query<{ body: Buffer; facts: object }>(
    `select body, facts from signalbox.events where type = 'deployment.drifted' order by received_at, id`,
  )
  return rows.map(({ body, facts }) => ({ ...JSON.parse(body.toString()), facts }))
}

async function lastJob(): Promise<JobSummary | undefined> {
  return ((await (await signalbox.api('/api/jobs')).json()) as Page<JobSummary>).items[0]
}

test('a push that changes a deployed configuration is an event and a comment on the commit', async () => {
  const id = await merged({ temperature: 0.5, prompt: 'Be @kind' })
  const sha = await edit(await fileWith({ temperature: 0.9, prompt: 'Be @kind', api_key: 'hunter-2-hunter' }))
  expect(await events()).toMatchObject([
    {
      event: 'deployment.drifted',
      project_id: 'p',
      data: {
        deployment_id: id,
        app_name: 'bot',
        environment: 'production',
        sequence: 1,
        repository: 'acme/prompts',
        branch: 'main',
        path: FILE,
        commit: sha,
        file: 'changed',
        config_diff: {
          added: { api_key: '[redacted]' },
          modified: { temperature: { old: 0.5, new: 0.9 } },
          removed: {},
        },
      },
      facts: { app: 'bot', environment: 'production', project: 'p', repository: 'acme/prompts', branch: 'main' },
    },
  ])
  const [comment, ...others] = await repository.commitComments(sha)
  expect(others).toEqual([])
  expect(comment?.body).toContain(`\`${FILE}\` of \`main\` has another configuration than was deployed last`)
  expect(comment?.body).toContain('- **temperature**: `0.5` → `0.9`')
  expect(comment?.body).not.toContain('hunter')
})

test('the same file found again is neither another event nor another comment', async () => {
  await merged({ temperature: 0.5 })
  const changed = await fileWith({ temperature: 0.9 })
  const first = await edit(changed)
  await edit(await fileWith({ temperature: 0.5 }))
  const again = await edit(changed)
  expect(await events()).toHaveLength(1)
  expect([await repository.commitComments(first), await repository.commitComments(again)]).toMatchObject([[{}], []])
})

test.each([
  [
    'in another order, with other white space',
    (file: Record<string, unknown>) => JSON.stringify(file, Object.keys(file).sort().reverse().concat('b', 'a'), 7),
  ],
  [
    'with another message of its deployment',
    (file: Record<string, unknown>) => JSON.stringify({ ...file, commit_message: 'x' }),
  ],
])('a file that says the same %s has not drifted', async (_, rewritten) => {
  await merged({ a: 1, b: [1, 2] })
  const before = await signalbox.count('signalbox.jobs')
  await edit(rewritten(JSON.parse((await repository.readFile('main', FILE)) ?? '')))
  expect(await signalbox.count('signalbox.jobs')).toBe(before + 1)
  expect(await events()).toEqual([])
})

test('a file that is deleted, or cannot be read, has drifted', async () => {
  await merged({ a: 1 })
  await edit('no JSON\n')
  await edit(null)
  expect((await events()).map(({ data }) => data.file)).toEqual(['unreadable', 'missing'])
})

test('a deployment whose pull request is open is pending, and drifts once that is closed without a merge', async () => {
  await merged({ a: 1 })
  const { id, pull } = await deploy({ a: 2 })
  await edit(await fileWith({ a: 1, more: true }))
  expect(await events()).toEqual([])
  await repository.closePullRequest(pull, 'acme')
  await settled()
  expect(await events()).toMatchObject([{ data: { deployment_id: id, sequence: 2, file: 'changed' } }])
  const comments = await repository.issueComments(pull)
  expect(comments.filter(({ body }) => body.includes('was deployed last'))).toHaveLength(1)
})

test('a merge that brings what was deployed, a push to another branch and to other files are nothing', async () => {
  await merged({ a: 1 })
  await edit(await fileWith({ a: 9 }), 'work')
  await repository.commit({ message: 'Other', files: { 'README.md': 'x\n' } })
  await settled()
  expect(await lastJob()).toMatchObject({
    job_type: 'deployment-drift',
    status: 'cancelled',
    error: 'It is about no file of a deployment.',
  })
  expect(await events()).toEqual([])
})

test('a merge of somebody else that overwrites the file is found by its push', async () => {
  await merged({ a: 1 })
  await repository.commit({ message: 'Theirs', files: { [FILE]: await fileWith({ a: 3 }) }, branch: 'theirs' })
  await settled()
  const token = github.addToken({ login: 'acme' })
  const opened = await fetch(`${github.apiUrl}/repos/acme/prompts/pulls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'user-agent': 'test', accept: 'application/vnd.github+json' },
    body: JSON.stringify({ title: 'Theirs', head: 'theirs', base: 'main' }),
  })
  const { number } = (await opened.json()) as { number: number }
  await repository.mergePullRequest(number, 'acme')
  await settled()
  expect(await events()).toMatchObject([{ data: { config_diff: { modified: { a: { old: 1, new: 3 } } } } }])
})

test('by hand all files are compared, or those of an app and environment', async () => {
  const cli = cliOf(signalbox)
  expect((await cli.ask(['deployments', 'drift'])).out).toBe('There are no such deployments.\n')
  await merged({ a: 1 })
  await merged({ b: 1 }, 'mailer')
  await deploy({ c: 1 }, 'open')
  const fine = await cli.ask(['deployments', 'drift'])
  expect(fine.code).toBe(0)
  expect(fine.out).toMatch(
    /^APP +ENVIRONMENT +STATE +REPOSITORY +FILE\nbot +production +same +acme\/prompts +\S+bot\/\S+\nmailer .* same .*\nopen .* pending .*\nNo file has drifted\.\n$/,
  )
  await repository.commit({ message: 'Quiet', files: { [FILE]: '{}' } })
  await settled()
  const drifted = await cli.ask(['deployments', 'drift', '--app', 'bot', '--env', 'production'])
  expect(drifted.code).toBe(1)
  expect(drifted.out).toMatch(/\nbot +production +drifted: unreadable .*\n1 file not as deployed\.\n$/)
  expect(await cli.json(['deployments', 'drift', '--app', 'mailer'])).toMatchObject({ checked: 1, drifted: 0 })
  expect(await events()).toHaveLength(1)
})
