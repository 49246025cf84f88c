// Programs that others wrote for GitHub, unchanged but for the address: an app in Probot, and a
// script in PyGithub. Each is skipped where it is not installed.
import { execFile, execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { World } from './world.ts'
import { openWorld } from './world.ts'

const SECRET = 'the secret of the App'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

type Context = {
  issue(more: object): object
  octokit: { rest: Record<string, Record<string, (asked: object) => unknown>> }
}
type Probot = {
  createProbot(options: object): unknown
  createNodeMiddleware(
    app: (probot: { on(event: string, react: (context: Context) => unknown): void }) => void,
    options: object,
  ): Promise<Parameters<typeof createServer>[1] & object>
}

// `bench/run` installs it there.
const PROBOT = join(import.meta.dirname, '../../bench/node_modules/probot/lib/index.js')
const probot = (await import(PROBOT).catch(() => null)) as Probot | null

test.skipIf(probot === null)('an app in Probot answers an issue, labels it and reacts', async () => {
  const { createProbot, createNodeMiddleware } = probot as Probot
  const { github, repo } = world
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const handle = github.addApp({
    slug: 'greeter',
    permissions: { issues: 'write', metadata: 'read' },
    events: ['issues'],
    webhookUrl: `http://127.0.0.1:${port}/api/github/webhooks`,
    webhookSecret: SECRET,
  })
  handle.install('acme')
  const options = { appId: handle.appId, privateKey: handle.privateKeyPem, secret: SECRET, baseUrl: github.apiUrl }
  const app = createProbot({ overrides: { ...options, logLevel: 'fatal' }, env: {} })
  const middleware = await createNodeMiddleware(
    (on) =>
      on.on('issues.opened', async (context) => {
        const { issues, reactions } = context.octokit.rest
        await issues?.createComment?.(context.issue({ body: 'Welcome!' }))
        await issues?.addLabels?.(context.issue({ labels: ['greeted'] }))
        await reactions?.createForIssue?.(context.issue({ content: 'heart' }))
      }),
    { probot: app },
  )
  server.on('request', middleware)
  try {
    const { number } = await repo.openIssue({ title: 'Hello' })
    await github.settled()
    const client = world.as('bot').rest
    const asked = { owner: 'acme', repo: 'app', issue_number: number }
    const { data: comments } = await client.issues.listComments(asked)
    expect(comments.map(({ body, user }) => [body, user?.login])).toEqual([['Welcome!', 'greeter[bot]']])
    expect((await client.issues.get(asked)).data.labels).toMatchObject([{ name: 'greeted' }])
    expect((await client.reactions.listForIssue(asked)).data).toMatchObject([{ content: 'heart' }])
    expect(new Set(github.deliveries.map(({ status }) => status))).toEqual(new Set(['OK']))
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

// Debian's own, which has Debian's packages.
const PYTHON = '/usr/bin/python3'
const hasPyGithub = (() => {
  try {
    execFileSync(PYTHON, ['-c', 'import github'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

test.skipIf(!hasPyGithub)('a script in PyGithub commits, opens, reviews and merges a pull request', async () => {
  const { github } = world
  const script = join(import.meta.dirname, 'clients/pygithub.py')
  const env = { API_URL: github.apiUrl, TOKEN: github.addToken({ login: 'acme' }) }
  const { stdout } = await promisify(execFile)(PYTHON, [script], { env, timeout: 60_000 })
  // PyGithub names labels without an object around them, which GitHub takes and does not describe.
  const { violations } = world.guard
  violations.splice(0, 2, ...violations.splice(0, 2).filter((each) => !/\/labels \(200\): request/.test(each)))
  expect(JSON.parse(stdout)).toEqual({
    login: 'acme',
    files: ['README.md', 'docs/new.md'],
    commits: 2,
    comments: ['A comment', 'Another'],
    reviews: ['COMMENTED'],
    labels: ['agent'],
    // GitHub's answer for the role triage.
    permission: 'read',
    status: 'success',
    merged: true,
    missing: 404,
  })
})
