// `signalbox agents run` does with an event what the service does, and writes nothing.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import { openTestFolder } from './folder.ts'
import { run } from './process.ts'
import { openTestSignalbox, SECRET, TOKEN, until } from './signalbox.ts'

// Each run starts processes.
const CONFIG = `import { defineAgent, defineConfig, z } from 'signalbox'
function agent(name, run) {
  return defineAgent({ name, description: 'For a test.', input: z.looseObject({}), run })
}
function commit(branch, path) {
  return { kind: 'commit', repository: 'acme/shop', branch, key: 'k', message: 'm', changes: [{ path, content: '' }] }
}
export default defineConfig({
  agents: [
    agent('review', async ({ input, event, log }) => {
      log('reviewed', { at: event?.facts.sha, token: 'abc' })
      return { result: { input, facts: event?.facts } }
    }),
    agent('waiting', async ({ waitFor }) => ({ result: await waitFor('merge', { on: 'push', timeout: '1h' }) })),
    agent('typo', async () => ({ output: [] })),
    agent('hooks', async () => ({ outputs: [commit('signalbox/x', '.github/x.yml')] })),
    agent('branches', async () => ({ outputs: [commit('main2', 'x')] })),
    agent('ruleless', async () => ({ outputs: [commit('signalbox/x', 'x')] })),
  ],
  rules: [
    {
      name: 'review',
      on: 'command',
      agent: 'review',
      command: { name: 'review', arguments: { '--depth': 'number' } },
      with: { strict: true },
    },
    { name: 'typo', on: 'issues', agent: 'typo' },
    ...['hooks', 'branches'].map((name) => ({ name, on: 'issues', agent: name, outputs: { commit: {} } })),
  ],
})
`

/** Runs an agent on a comment on #1 that GitHub reports, in a folder of its own. */
async function runOn(name: string, { event = 'event.json', body = '/review', env = {}, args = [] as string[] } = {}) {
  const cwd = await openTestFolder()
  const sender = { login: 'jane', type: 'User' }
  const comment = {
    action: 'created',
    issue: { number: 1, pull_request: {}, user: sender },
    comment: { body, user: sender, created_at: new Date().toISOString() },
    repository: { full_name: 'acme/shop', default_branch: 'main' },
    sender,
  }
  await writeFile(join(cwd, 'signalbox.config.mjs'), CONFIG)
  await writeFile(join(cwd, 'event.json'), JSON.stringify(comment))
  const command = ['agents', 'run', name, '--event', event, '--json', ...args]
  const ran = run(command, { cwd, env })
  return { code: await ran.exited, output: ran.output() }
}

/** What is printed after the lines of the log. */
function jsonOf(output: string): unknown {
  return JSON.parse(output.slice(output.indexOf('{')))
}

test('an agent gets the commit of the pull request, and the arguments of the command', async () => {
  const github = await openFakeGithub()
  onTestFinished(github.close)
  const collaborators = { jane: 'write', signalbox: 'write' } as const
  const shop = await github.addRepository({ owner: 'acme', name: 'shop', files: { a: '0' }, collaborators })
  const sha = await shop.commit({ branch: 'fix', files: { a: '1' }, message: 'Fix' })
  await shop.openPullRequest({ title: 'Fix', head: 'fix', base: 'main' }, 'jane')
  const env = { GITHUB_TOKEN: github.addToken({ login: 'signalbox' }), GITHUB_API_URL: github.apiUrl }
  const { code, output } = await runOn('review', { body: '/review --depth 3', env })
  expect(jsonOf(output)).toMatchObject({
    result: { input: { depth: 3, strict: true }, facts: { command: 'review', number: 1, sha, fromFork: false } },
    log: expect.arrayContaining([`reviewed at=${sha} token=[redacted]`]),
  })
  expect(code).toBe(0)
  const signalbox = await openTestSignalbox({ env })
  onTestFinished(() => signalbox.close())
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET, events: ['issue_comment'] })
  await shop.comment(1, '/review --depth 4', 'jane')
  const stored = await until('the comment is recorded', async () => {
    const found = await signalbox.database.query<{ id: string }>(
      "select id from signalbox.events where type = 'issue_comment.created'",
    )
    return found.rows[0]
  })
  const server = { SIGNALBOX_URL: signalbox.url, SIGNALBOX_API_TOKEN: TOKEN }
  const recorded = await runOn('review', { event: stored.id, env: { ...env, ...server } })
  expect(jsonOf(recorded.output)).toMatchObject({
    result: { input: { depth: 4, strict: true }, facts: { command: 'review', number: 1, sha, fromFork: false } },
  })
  const more = await runOn('review', { env, args: ['--payload', '{"strict": false}'] })
  expect([more.code, more.output]).toEqual([1, expect.stringContaining('the rule \\"review\\" sets it, to true')])
})

test('its help has each option once, and only those that it takes', async () => {
  const ran = run(['agents', 'run', '--help'], { cwd: await openTestFolder() })
  await ran.exited
  const options = [...ran.output().matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option)
  expect(options.sort()).toEqual([...new Set(options)])
  expect(options).toEqual(expect.arrayContaining(['--config', '--event', '--github-event', '--server']))
  expect(options).not.toContain('--local')
})

test('the agent that docs/agents.md begins with greets who opened the issue of the examples', async () => {
  const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
  const cwd = await openTestFolder()
  await writeFile(join(cwd, 'signalbox.config.ts'), /^```ts\n(.*?)^```/ms.exec(await read('docs/agents.md'))?.[1] ?? '')
  await writeFile(join(cwd, 'issue.json'), await read('examples/events/issue.json'))
  const ran = run(['agents', 'run', 'welcome', '--event', 'issue.json'], { cwd })
  expect(await ran.exited).toBe(0)
  expect(ran.output()).toContain('"body": "Thank you, jane!"')
})

test('an agent that waits is said to, which nothing here does', async () => {
  const { code, output } = await runOn('waiting')
  expect(JSON.parse(output)).toMatchObject({
    detail: 'The agent waits for "merge".',
    hint: 'Nothing was written. In the service the job would wait.',
  })
  expect(code).toBe(1)
})

test.each([
  ['typo', 'unknown field \\"output\\"; did you mean \\"outputs\\"?'],
  ['hooks', 'Refused by policy: outputs.0 (commit): The path .github/x.yml is protected'],
  ['branches', 'Refused by policy: outputs.0 (commit): The branch main2 is not one of'],
  ['ruleless', "Refused by policy: outputs.0 (commit): The rule's outputs have no commit"],
])('what the service refuses of %s is refused, with the reason', async (name, reason) => {
  const { code, output } = await runOn(name)
  expect(output).toContain(reason)
  expect(output).toContain('In the service the job would fail.')
  expect(code).toBe(1)
})
