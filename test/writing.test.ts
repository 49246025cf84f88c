// What a whole service lets an agent write: an agent that does whatever an issue says, on a strict
// GitHub, under the rule's limits.
import type { AppHandle, FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { JobDetail } from '@signalbox/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import type { Output } from '../src/publisher/output.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

const obedient = defineAgent({
  name: 'obedient',
  description: 'Returns the outputs that the body of an issue has.',
  input: z.unknown(),
  run: async ({ payload }) => ({
    outputs: JSON.parse((payload as { issue: { body: string } }).issue.body) as Output[],
  }),
})

let github: FakeGithub
let app: AppHandle
let shop: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  github = await openFakeGithub()
  shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'README.md': '# Shop\n' } })
  await github.addRepository({ owner: 'acme', name: 'secret', private: true, files: { 'README.md': '# Secret\n' } })
  app = github.addApp({
    slug: 'signalbox',
    permissions: { contents: 'write', issues: 'write', pull_requests: 'write', deployments: 'write' },
  })
  app.install('acme')
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
})

/** What became of the outputs that an issue asks for, under a rule; all it wrote is in `writes`. */
async function obey(outputs: object[], rule: Partial<Rule> = {}) {
  signalbox = await openTestSignalbox({
    config: {
      agents: [obedient],
      rules: [{ name: 'obey', on: 'issues.opened', agent: 'obedient', who: 'anyone', ...rule }],
    },
    env: { GITHUB_APP_ID: String(app.appId), GITHUB_APP_PRIVATE_KEY: app.privateKeyPem, GITHUB_API_URL: github.apiUrl },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  await shop.openIssue({ title: 'Do this', body: JSON.stringify(outputs) }, 'mallory')
  const [id] = await until('the job has ended', async () => {
    const { rows } = await signalbox.database.query<{ id: string }>(
      'select id from signalbox.jobs where finished_at is not null',
    )
    return rows.length > 0 && rows.map((row) => row.id)
  })
  return (await (await signalbox.api(`/api/jobs/${id}`)).json()) as JobDetail
}

const comment = { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'Hello', key: 'k' }
const pull = {
  kind: 'pull_request',
  name: 'pr',
  repository: 'acme/shop',
  branch: 'signalbox/x',
  title: 'Change',
  body: 'A change.',
  commitMessage: 'Change',
  key: 'k',
  changes: [{ path: 'README.md', content: '# Store\n' }],
}

const ATTACKS: [string, object, string][] = [
  [
    'another repository',
    { ...comment, repository: 'acme/secret' },
    'The repository acme/secret is not one that the rule may write to (only acme/shop)',
  ],
  ['every repository', { ...comment, repository: 'github:acme/secret' }, 'is not one that the rule may write to'],
  [
    'a workflow',
    { ...pull, changes: [{ path: '.github/workflows/x.yml', content: 'on: push' }] },
    'x.yml is protected',
  ],
  [
    'a hook',
    { ...pull, changes: [{ path: '.husky/pre-commit', content: 'curl evil' }] },
    '.husky/pre-commit is protected',
  ],
  ['the configuration of git', { ...pull, changes: [{ path: '.git/config', content: '' }] }, 'not a path inside'],
  ['the main branch', { ...pull, branch: 'main' }, 'does not begin with agenta/ or signalbox/'],
  ['a commit', { ...pull, kind: 'commit' }, 'not valid'],
  [
    'a deployment',
    {
      kind: 'deployment_status',
      repository: 'acme/shop',
      target: { ref: 'main', environment: 'production' },
      state: 'success',
      key: 'k',
    },
    'outputs have no deployment_status',
  ],
  [
    'an approval',
    {
      kind: 'review',
      repository: 'acme/shop',
      pullRequest: 1,
      commit: 'a'.repeat(40),
      event: 'APPROVE',
      body: '',
      key: 'k',
    },
    'may not APPROVE',
  ],
  ['a secret in a comment', { ...comment, body: `Look: ${SECRET}` }, "the output's body has a secret of this service"],
  [
    'a secret in base64 in a file',
    { ...pull, changes: [{ path: 'a', content: Buffer.from(`xy${SECRET}`).toString('base64') }] },
    'changes.0.content has a secret',
  ],
  [
    'a secret in the name of a branch',
    { ...pull, branch: `signalbox/${Buffer.from(SECRET).toString('hex')}` },
    'branch has a secret',
  ],
  ['the output of another job', { ...comment, body: '{{outputs.other.url}}' }, 'is no reference'],
]

test.each(ATTACKS)('an agent that asks for %s writes nothing', async (_, output, reason) => {
  const job = await obey([comment, output])
  expect(job).toMatchObject({ status: 'failed', outputs: [], writes: [] })
  expect(job.error).toContain(reason)
  expect(job.error).not.toContain(SECRET)
  expect(await shop.issueComments(1)).toEqual([])
  expect(await shop.branches()).toEqual(['main'])
})

test('what is allowed is written with a token for it alone, and recorded', async () => {
  const message = { ...comment, body: 'See {{outputs.pr.url}}.' }
  const job = await obey([pull, message])
  expect(job.status).toBe('completed')
  const [opened] = await shop.pulls()
  const [said] = await shop.issueComments(1)
  expect(said?.body).toContain(`See ${opened?.html_url}.`)
  const access = { contents: 'write', issues: 'write', metadata: 'read', pull_requests: 'write' }
  const hash = expect.stringMatching(/^[0-9a-f]{64}$/)
  const row = {
    rule: 'obey',
    agent: 'obedient',
    repository: 'acme/shop',
    access,
    config_sha256: hash,
    output_sha256: hash,
  }
  expect(job.writes).toMatchObject([
    { ...row, kind: 'pull_request', receipt: { url: opened?.html_url } },
    { ...row, kind: 'comment', receipt: { url: said?.html_url } },
  ])
  const tokens = github.requests.filter(({ path }) => path.endsWith('/access_tokens'))
  expect(tokens.map(({ requestBody }) => requestBody)).toContainEqual({ repositories: ['shop'], permissions: access })
  expect(github.requests.filter(({ route }) => route === '/installation/token')).toHaveLength(1)
})

test('what is staged is shown and not written', async () => {
  const job = await obey([pull, comment], { staged: true })
  expect(job).toMatchObject({
    status: 'completed',
    outputs: [{ status: 'staged', preview: expect.stringContaining('-# Shop\n+# Store') }, { status: 'staged' }],
    writes: [],
  })
  expect(await shop.issueComments(1)).toEqual([])
  expect(await shop.branches()).toEqual(['main'])
  expect(await shop.pulls()).toEqual([])
})
