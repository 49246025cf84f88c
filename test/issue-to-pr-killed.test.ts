// A task whose service is killed after each of its requests: there is one plan, one pull request
// with one commit, and one comment with its link, and the model is asked nothing twice but what it
// was asking then.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFakeGithub } from '@signalbox/fake-github'
import { expect, onTestFinished, test } from 'vitest'
import type { AskedModel, ScriptedAnswer } from './fake-model/fake-model.ts'
import { openFakeModel } from './fake-model/fake-model.ts'
import { FILES, GOOD, TEST } from './fixtures/tasks.ts'
import type { Running } from './process.ts'
import { run } from './process.ts'
import { SECRET, TOKEN, until } from './signalbox.ts'

const WORK: [name: string, args: object][] = [
  ['read', { path: 'src/sum.mjs' }],
  ['write', { path: 'src/sum.mjs', content: GOOD }],
  ['run', { command: 'test' }],
  ['finish', { outcome: 'done', summary: 'It adds now.' }],
]

/** The next call of the work, by what has been done; so that each question has one answer. */
function next({ tools, results }: AskedModel): ScriptedAnswer {
  const [name, args] = WORK[results.length] ?? ['finish', {}]
  return tools.length === 0 ? JSON.stringify({ steps: ['Add'] }) : { toolCalls: [{ name, arguments: { ...args } }] }
}

test('a task is done once, after whichever of its requests the service is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-task-'))
  // Root's PostgreSQL runs as somebody else, who must be able to get in.
  await chmod(folder, 0o711)
  let requests = 0
  let killAt = Number.POSITIVE_INFINITY
  let server: Running | null = null
  const count = () => {
    requests += 1
    if (requests === killAt) server?.child.kill('SIGKILL')
  }
  const github = await openFakeGithub({
    onExchange: ({ method, login }) => {
      if (method !== 'GET' && login === 'signalbox') count()
    },
  })
  const model = await openFakeModel()
  model.answers((asked) => {
    count()
    return next(asked)
  })
  const config = { test: TEST, fixes: 0 }
  await writeFile(
    join(folder, 'signalbox.config.mjs'),
    `import { defaultRules, defineConfig, issueToPr } from 'signalbox'
     export default defineConfig({ agents: [issueToPr(${JSON.stringify(config)})], rules: defaultRules.filter(({ agent }) => agent === 'issue-to-pr') })`,
  )
  const serve = async () => {
    server = run(['serve', '--host', '127.0.0.1'], {
      cwd: folder,
      env: {
        PORT: '0',
        SIGNALBOX_API_TOKEN: TOKEN,
        TMPDIR: folder,
        GITHUB_WEBHOOK_SECRET: SECRET,
        GITHUB_TOKEN: github.addToken({ login: 'signalbox' }),
        GITHUB_API_URL: github.apiUrl,
        SIGNALBOX_MODEL: 'compatible/test',
        SIGNALBOX_MODEL_URL: `${model.url}/v1`,
      },
    })
    const [url] = await server.prints(/http:\/\/127\.0\.0\.1:\d+/)
    return { running: server, url }
  }
  onTestFinished(async () => {
    killAt = Number.POSITIVE_INFINITY
    await server?.kill('SIGTERM')
    await github.close()
    model.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  })

  let finished = 0
  let { running, url } = await serve()
  /** One issue in a repository of its own; returns how many requests it took. */
  const doTask = async (at: number) => {
    const name = `shop-${at}`
    const shop = await github.addRepository({
      owner: 'acme',
      name,
      collaborators: { jane: 'write', signalbox: 'write' },
      files: FILES,
    })
    const hook = await shop.addWebhook({ url: `${url}/webhook/github`, secret: SECRET })
    expect(hook).toBeGreaterThan(0)
    const { number } = await shop.openIssue({ title: 'The sum is wrong' }, 'jane')
    const before = model.requests.length
    requests = 0
    killAt = at
    await shop.labelIssue(number, 'agent-task', 'jane')
    if (Number.isFinite(at)) {
      expect(await running.exited).toBe('SIGKILL')
      killAt = Number.POSITIVE_INFINITY
      ;({ running, url } = await serve())
    }
    finished += 1
    await until(
      'the task is done',
      async () => {
        const headers = { authorization: `Bearer ${TOKEN}` }
        const answer = await fetch(`${url}/api/jobs?agent=issue-to-pr&status=completed&limit=100`, { headers })
        return ((await answer.json()) as { items: unknown[] }).items.length === finished
      },
      60_000,
    )
    const done = requests
    const said = (await shop.issueComments(number)).map(({ body }) => body.split('\n')[0]?.replace(/ http\S+/, ''))
    expect(said).toEqual([expect.stringMatching(/^\*\*Done\.\*\*/), 'Opened the draft pull request'])
    expect(await shop.pulls()).toMatchObject([
      { title: 'The sum is wrong', draft: true, head: { ref: 'signalbox/issue-1' } },
    ])
    expect(await shop.readFile('signalbox/issue-1', 'src/sum.mjs')).toBe(GOOD)
    expect(model.requests.length - before).toBeLessThanOrEqual(WORK.length + 2)
    return done
  }

  const total = await doTask(Number.POSITIVE_INFINITY)
  expect(total).toBeGreaterThan(WORK.length + 5)
  for (let at = 1; at <= total; at += 1) await doTask(at)
}, 300_000)
