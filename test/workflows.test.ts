// The workflows of docs/workflows.md on a service without a configuration file: real processes, a
// strict GitHub with signed webhooks, Telegram, and a scripted model that speaks OpenAI's API.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { loadConfig } from '../src/config/config-file.ts'
import { configure } from '../src/config/configure.ts'
import { readEnvironment } from '../src/lib/environment.ts'
import { silentLog } from '../src/lib/log.ts'
import type { Scripted } from './fake-model/fake-model.ts'
import { FILES, openWorkflows, WRONG } from './fixtures/workflows.ts'
import { openTestFolder } from './folder.ts'
import { TOKEN } from './keys.ts'
import { call } from './terminal.ts'
import { until } from './until.ts'

vi.setConfig({ testTimeout: 120_000 })

const DONE = ['pending', 'running', 'completed']
const FINISH = use('finish', { outcome: 'done', summary: 'It adds now.' })

const page = readFileSync(new URL('../docs/workflows.md', import.meta.url), 'utf8')

/** The body of the manual trigger as the page prints it. */
const MANUAL = /-d '(.*?)'/s.exec(page)?.[1] ?? ''

test('the configurations of the page are valid, and leave every workflow on that they do not leave out', async () => {
  const env = readEnvironment({
    ...{ GITHUB_TOKEN: 'a-token', GITHUB_REPO: 'acme/shop', SIGNALBOX_DEPLOY_COMMAND: process.execPath },
    ...{
      SIGNALBOX_MODEL: 'openai/x',
      OPENAI_API_KEY: 'a-key',
      AGENTA_API_URL: 'http://127.0.0.1',
      AGENTA_API_KEY: 'a-key',
    },
  })
  // A runner of tests resolves names of packages by itself.
  const index = new URL('../src/index.ts', import.meta.url).href
  const offs = await Promise.all(
    [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(async ([, block = '']) => {
      const folder = await openTestFolder()
      await writeFile(join(folder, 'signalbox.config.ts'), block.replace("'signalbox'", `'${index}'`))
      await writeFile(join(folder, 'deploy.sh'), '#!/bin/sh\n', { mode: 0o755 })
      const { config } = await loadConfig(folder)
      const { rules } = configure(env, config, silentLog)
      expect(rules.length).toBeGreaterThan(5)
      return rules.flatMap(({ name, off }) => (off === undefined ? [] : [`${name}: ${off}`]))
    }),
  )
  expect(offs).toEqual([[], [], [], []])
})

test('doctor says what the page says that it says', async () => {
  const { out } = await call(['doctor'], { folder: await openTestFolder() })
  expect(out).toContain(/^! workflow .*$/m.exec(page)?.[0])
})

function plan(...steps: string[]): Scripted {
  return JSON.stringify({ steps })
}

function use(name: string, args: Record<string, unknown>): Scripted {
  return { toolCalls: [{ name, arguments: args }] }
}

function textOf(body: string | undefined): string {
  return (body ?? '').replaceAll(/<!--.*?-->/gs, '').trim()
}

test('Example 1: a push to the default branch is reviewed in a comment on its commit', async () => {
  const { shop, model, ended } = await openWorkflows()
  model.answers(
    JSON.stringify({
      findings: [
        {
          path: 'src/sum.mjs',
          side: 'RIGHT',
          line: 2,
          severity: 'high',
          confidence: 0.9,
          cost: 'low',
          category: 'logic',
          title: 'The sum subtracts',
          body: 'Every price after the first is taken away.',
        },
      ],
    }),
  )
  const sha = await shop.commit({ message: 'Sum faster', files: { 'src/sum.mjs': WRONG } })
  const { row, statuses } = await ended('github_push')
  expect(row).toMatchObject({
    assigned_agent: 'code-review',
    error: null,
    payload: { event: 'push', repository: 'acme/shop', branch: 'main', sha, sender: 'acme', input: {} },
  })
  expect(statuses).toEqual(DONE)
  const [comment, ...others] = await shop.commitComments(sha)
  expect(others).toEqual([])
  expect(textOf(comment?.body)).toMatch(
    /^Reviewed `\w{7}`\.\.`\w{7}`: 1 finding\.\n\n- \*\*High: The sum subtracts\*\*/,
  )
  expect(model.requests.map(({ model: name }) => name)).toEqual(['gpt-test'])
})

test('Example 2: a release is deployed by the program, and Telegram has the status', async () => {
  const { shop, model, messages, ended } = await openWorkflows()
  const sha = (await shop.head()) ?? ''
  await shop.publishRelease({ tag: 'v1.2.0' })
  const { row, statuses, job } = await ended('github_release')
  expect(row).toMatchObject({
    assigned_agent: 'deploy',
    error: null,
    payload: {
      event: 'release.published',
      repository: 'acme/shop',
      tag: 'v1.2.0',
      input: { environment: 'production' },
    },
  })
  expect(statuses).toEqual(DONE)
  // The program was run with the commit of the release.
  expect(job.log.map(({ line }) => line).join('\n')).toMatch(new RegExp(`deploying \\{.*"sha":"${sha}"`))
  const [message, ...others] = await until('Telegram has a message', async () => messages().length > 0 && messages())
  expect(message).toMatch(
    new RegExp(`^✅ Deployed v1\\.2\\.0 \\(${sha.slice(0, 7)}\\) of acme/shop to production in \\d+ s`),
  )
  expect([others, model.requests]).toEqual([[], []])
})

test('Example 3: an issue with the label agent-task gets a plan, a pull request and a comment with its link', async () => {
  const { shop, model, ended } = await openWorkflows()
  model.answers(
    plan('Find what subtracts', 'Add in its place'),
    use('read', { path: 'src/sum.mjs' }),
    use('write', { path: 'src/sum.mjs', content: FILES['src/sum.mjs'].replace('prices)', 'prices = [])') }),
    FINISH,
  )
  const { number } = await shop.openIssue({ title: 'The sum of nothing fails', body: 'It must be 0.' })
  await shop.labelIssue(number, 'agent-task', 'jane')
  const { row, statuses } = await ended('github_issues')
  expect(row).toMatchObject({
    assigned_agent: 'issue-to-pr',
    error: null,
    payload: { event: 'issues.labeled', repository: 'acme/shop', number, label: 'agent-task', input: {} },
  })
  // While it waits, GitHub is asked whether who added the label may write.
  expect(statuses).toEqual(['pending', 'running', 'waiting', ...DONE])
  const [pull, ...pulls] = await shop.pulls()
  expect(pulls).toEqual([])
  expect(pull).toMatchObject({ title: 'The sum of nothing fails', draft: true, base: { ref: 'main' } })
  // Not "Fixes", because no tests are set.
  expect(pull?.body).toContain(`Refs #${number}`)
  expect(await shop.readFile(pull?.head.ref ?? '', 'src/sum.mjs')).toContain('prices = []')
  const said = (await shop.issueComments(number)).map(({ body }) => textOf(body))
  expect(said).toEqual([
    expect.stringMatching(/- \[x\] Find what subtracts\n- \[x\] Add in its place/),
    `Opened the draft pull request ${pull?.html_url}.`,
  ])
})

test('Example 4: a manual trigger, as the page prints it, becomes a custom_task', async () => {
  const { shop, model, ended, url } = await openWorkflows()
  model.answers(
    plan('Say what it sells'),
    use('write', { path: 'README.md', content: '# Shop\n\nIt sells.\n' }),
    FINISH,
  )
  const given = { job_type: 'custom_task', payload: { task: 'Update documentation', files: ['README.md'] } }
  expect(JSON.parse(MANUAL)).toEqual(given)
  const asked = [
    '-sS',
    '--fail-with-body',
    '-X',
    'POST',
    `${url}/webhook/manual`,
    '-H',
    'Content-Type: application/json',
  ]
  const { stdout } = await promisify(execFile)('curl', [...asked, '-H', `Authorization: Bearer ${TOKEN}`, '-d', MANUAL])
  expect(JSON.parse(stdout)).toMatchObject({ event_type: 'manual', status: 'routed', jobs: [expect.any(String)] })
  const { row, statuses } = await ended('custom_task')
  expect(row).toMatchObject({ assigned_agent: 'issue-to-pr', error: null, payload: given.payload })
  expect(statuses).toEqual(DONE)
  const [pull] = await shop.pulls()
  expect(pull).toMatchObject({ title: 'Update documentation', draft: true })
  expect(await shop.readFile(pull?.head.ref ?? '', 'README.md')).toContain('It sells.')
})

test('without a model pushes are reviewed by rules, releases and deployments work, and tasks say what to set', async () => {
  const { shop, model, messages, cli, ended, reason, url } = await openWorkflows({ hasModel: false })
  const sha = await shop.commit({ message: 'Merge', files: { 'a.txt': '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> b\n' } })
  expect((await ended('github_push')).statuses).toEqual(DONE)
  const [review] = await shop.commitComments(sha)
  expect(textOf(review?.body)).toMatch(/merge conflict/i)
  expect(textOf(review?.body)).toContain('No model is set, so nobody has read what the code does.')

  await shop.publishRelease({ tag: 'v1.2.0' })
  expect((await ended('github_release')).statuses).toEqual(DONE)
  await until('Telegram has a message', async () => messages().length > 0)

  await cli(
    'deploy',
    '--app',
    'bot',
    '--env',
    'production',
    '--config',
    `${import.meta.dirname}/../examples/demo/revision-1.json`,
  )
  expect((await ended('deployment-pr')).statuses).toEqual(DONE)
  expect((await shop.pulls()).map(({ title }) => title)).toEqual(['🤖 Deploy bot to production'])

  const { number } = await shop.openIssue({ title: 'The sum is wrong' })
  await shop.labelIssue(number, 'agent-task', 'jane')
  const remedy = /set SIGNALBOX_MODEL/
  expect(await reason('issues.labeled')).toMatch(remedy)
  const response = await fetch(`${url}/webhook/manual`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: MANUAL,
  })
  expect(response.status).toBe(200)
  const task = await ended('custom_task')
  expect([task.row.status, task.row.error]).toEqual(['failed', expect.stringMatching(remedy)])
  expect(model.requests).toEqual([])
})
