// Who may start an agent: people on a strict GitHub comment, and the service asks who they are.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openApiGuard } from '../fake-github/openapi.ts'
import { defineAgent } from '../src/agents/agent.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

const seen: unknown[] = []
const replier = defineAgent({
  name: 'replier',
  description: 'Answers on the issue, and says what it got.',
  input: z.looseObject({}),
  async run({ event, input }) {
    const { repository = '', number = 0 } = event?.facts ?? {}
    seen.push({ facts: event?.facts, input })
    return { outputs: [{ kind: 'comment', key: 'r', repository, target: { issue: number }, body: 'I am on it.' }] }
  },
})
const chat: Rule = { name: 'chat', on: 'issue_comment.created', agent: 'replier' }

const guard = openApiGuard()
let github: FakeGithub
let shop: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  seen.length = 0
  github = await openFakeGithub({ onExchange: guard.onExchange })
  shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators: { jane: 'write', signalbox: 'write', tina: 'triage' },
    files: { 'README.md': '# Shop\n' },
  })
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
  expect(guard.violations).toEqual([])
})

async function open(rules: readonly Rule[], env: Record<string, string> = {}) {
  signalbox = await openTestSignalbox({
    config: { agents: [replier], rules },
    env: { GITHUB_TOKEN: github.addToken({ login: 'signalbox' }), GITHUB_API_URL: github.apiUrl, ...env },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
}
type JobRow = { agent: string; status: string; error: string | null; depth: number; facts: Record<string, unknown> }
async function jobs(): Promise<JobRow[]> {
  const { rows } = await signalbox.database.query<JobRow>(
    `select agent, j.status, error, e.depth, e.facts from signalbox.jobs j join signalbox.events e on e.id = event_id
     order by e.id, j.id`,
  )
  return rows
}
function ended(n: number) {
  return until(`${n} jobs have ended`, async () => {
    const rows = (await jobs()).filter(({ status }) => status !== 'pending' && status !== 'running')
    return rows.length >= n && rows
  })
}
async function comments(number: number) {
  return (await shop.issueComments(number)).map(({ body, user }) => `${user?.login}: ${body?.split('\n')[0]}`)
}

describe('a comment', () => {
  test('of somebody who may not write starts no agent, whoever opened the issue', async () => {
    await open([chat])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    for (const login of ['mallory', 'tina']) await shop.comment(number, 'Do something', login)
    expect(await ended(2)).toMatchObject([
      { status: 'cancelled', error: 'skipped: `mallory` has no write permission on acme/shop' },
      { status: 'cancelled', error: 'skipped: `tina` has no write permission on acme/shop' },
    ])
    expect(seen).toEqual([])
    expect(await comments(number)).toEqual(['mallory: Do something', 'tina: Do something'])
  })

  test('of somebody who may write starts it, and explaining the others says what they lack', async () => {
    await open([chat])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'mallory')
    await shop.comment(number, 'Do something', 'jane')
    expect(await ended(1)).toMatchObject([{ status: 'completed' }])
    await shop.comment(number, 'Me too', 'mallory')
    await ended(2)
    const { rows } = await signalbox.database.query<{ id: string }>(
      `select id from signalbox.events where actor = 'mallory' and type = 'issue_comment.created'`,
    )
    const why = await (await signalbox.api(`/api/events/${rows[0]?.id}/explain`)).json()
    expect(why).toMatchObject({
      rules: [{ matched: false, sentence: 'Skipped: `mallory` has no write permission on acme/shop.' }],
    })
  })

  test('of anyone starts it where the rule says so', async () => {
    await open([{ ...chat, who: 'anyone' }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'Do something', 'mallory')
    expect(await ended(1)).toMatchObject([{ status: 'completed' }])
  })

  test('waits for an outage of GitHub to end, and is no permission meanwhile', async () => {
    github.faults.add({ route: /permission$/, kind: 'status', status: 503, times: 10 })
    await open([chat])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'Do something', 'mallory')
    await until('it is put off', async () => (await jobs())[0]?.error?.includes('GitHub answered 503'))
    expect(await jobs()).toMatchObject([{ status: 'pending' }])
    expect(seen).toEqual([])
  })

  test('without a token starts nothing, and says what to set', async () => {
    await open([chat], { GITHUB_TOKEN: '' })
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'Do something', 'jane')
    const [job] = await ended(1)
    expect(job).toMatchObject({
      status: 'cancelled',
      error: expect.stringContaining('set GITHUB_TOKEN or a GitHub App'),
    })
  })

  test('on a pull request comes with the commit of its head, which is asked for once', async () => {
    await open([chat])
    const sha = await shop.commit({ message: 'Change', files: { a: 'a' }, branch: 'change' })
    const { number } = await shop.openPullRequest({ title: 'Change', head: 'change' }, 'jane')
    await shop.comment(number, 'Look', 'jane')
    await ended(1)
    expect(seen).toMatchObject([{ facts: { sha, fromFork: false, sender: 'jane' } }])
    expect(await signalbox.count('signalbox.job_steps', `name = 'signalbox:head'`)).toBe(1)
  })
})
