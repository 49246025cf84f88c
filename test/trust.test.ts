// Who may start an agent: people on a strict GitHub comment, and the service asks who they are.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openApiGuard } from '../fake-github/openapi.ts'
import type { Agent } from '../src/agents/agent.ts'
import { defineAgent } from '../src/agents/agent.ts'
import { GiveUp } from '../src/lib/error.ts'
import type { Rule } from '../src/rules/rule.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

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

async function open(rules: readonly Rule[], env: Record<string, string> = {}, agents: Agent[] = [replier]) {
  signalbox = await openTestSignalbox({
    config: { agents, rules },
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
      rules: [
        {
          matched: false,
          sentence: 'Skipped: `mallory` has no write permission on acme/shop.',
          job: { status: 'cancelled', error: 'skipped: `mallory` has no write permission on acme/shop' },
        },
      ],
    })
    const cli = cliOf(signalbox)
    const explained = await cli.ask(['rules', 'explain', rows[0]?.id ?? ''])
    expect(explained.out).toMatch(
      /^✗ rule chat: Skipped: .*\n {2}It made the job \S{36}: cancelled, skipped: `mallory`/m,
    )
    const shown = await cli.ask(['events', 'show', rows[0]?.id ?? ''])
    expect(shown.out).toMatch(/^Jobs\n.*\n {2}\S+ +chat +cancelled +skipped: `mallory` has no write permission/m)
    const { items } = await cli.json<{ items: { id: string }[] }>(['jobs', 'ls', '--status', 'cancelled'])
    const skipped = await cli.ask(['jobs', 'show', items[0]?.id ?? ''])
    expect(skipped.out).not.toContain('Skipped:')
    expect(skipped.out).not.toContain('    at ')
    const { rows: done } = await signalbox.database.query<{ id: string }>(
      `select event_id as id from signalbox.jobs where status = 'completed'`,
    )
    const allowed = await cli.ask(['rules', 'explain', done[0]?.id ?? ''])
    expect(allowed.out).toContain('the forge says that `jane` may: permission write')
    expect(allowed.out).not.toContain('is asked')
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

const labeller = defineAgent({
  name: 'labeller',
  description: 'Labels the issue, each time with another label.',
  input: z.looseObject({}),
  async run({ event, job }) {
    const { repository = '', number = 0 } = event?.facts ?? {}
    return { outputs: [{ kind: 'labels', repository, target: { issue: number }, labels: [job.id.slice(-8)] }] }
  },
})
const pusher = defineAgent({
  name: 'pusher',
  description: 'Opens a pull request.',
  input: z.looseObject({}),
  async run({ event, job }) {
    const repository = event?.facts.repository ?? ''
    const changes = [{ path: `${job.id}.txt`, content: 'x' }]
    const texts = { title: 'Add', body: 'x', commitMessage: 'Add' }
    const [branch, key] = [`signalbox/${job.id}`, `of=${job.id}`]
    return { outputs: [{ kind: 'pull_request', repository, branch, key, ...texts, changes }] }
  },
})

describe('what Signalbox wrote itself', () => {
  async function ignored(type: string) {
    await github.settled()
    const { rows } = await signalbox.database.query<{ status: string; reason: string; depth: number; facts: object }>(
      `select status, reason, depth, facts from signalbox.events where type = $1 and actor = 'signalbox' order by id`,
      [type],
    )
    return rows
  }
  const own = expect.stringContaining('Signalbox wrote it itself, and no rule for it says self: true')

  test('starts nothing as a comment, which keeps who began the chain', async () => {
    await open([{ ...chat, who: 'anyone' }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'hello', 'mallory')
    await ended(1)
    await until('the comment is reported', async () => (await ignored('issue_comment.created')).length === 1)
    expect(await ignored('issue_comment.created')).toMatchObject([
      { status: 'ignored', reason: own, depth: 1, facts: { self: true, originator: 'mallory', sender: 'signalbox' } },
    ])
    expect(await comments(number)).toEqual(['mallory: hello', 'signalbox: I am on it.'])
  })

  test('starts nothing as a label, a push, a branch or a pull request', async () => {
    const rules: Rule[] = [
      { name: 'label', on: ['issues.*', 'pull_request.*'], agent: 'labeller', who: 'anyone' },
      { name: 'push', on: ['push', 'create', 'issues.opened'], agent: 'pusher', who: 'anyone' },
    ]
    await open(rules, {}, [labeller, pusher])
    await shop.openIssue({ title: 'Bug' }, 'jane')
    await ended(2)
    for (const type of ['issues.labeled', 'push', 'create', 'pull_request.opened']) {
      await until(`${type} is reported`, async () => (await ignored(type)).length === 1)
      expect(await ignored(type)).toMatchObject([{ status: 'ignored', reason: own }])
      // A branch does not say which job made it.
      const originator = type === 'create' ? undefined : 'jane'
      expect((await ignored(type))[0]?.facts).toMatchObject({ self: true, ...(originator && { originator }) })
    }
    expect(await jobs()).toHaveLength(2)
  })

  test('starts a rule that says self: true, until the chain is too long', async () => {
    await open([{ ...chat, self: true }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'hello', 'jane')
    await until(
      'the chain has ended',
      async () => (await ignored('issue_comment.created')).at(-1)?.status === 'ignored',
    )
    expect((await jobs()).map(({ depth }) => depth)).toEqual([0, 1, 2, 3])
    expect((await ignored('issue_comment.created')).at(-1)?.reason).toContain('4 internal events away')
    for (const { facts } of (await jobs()).slice(1)) expect(facts.originator).toBe('jane')
  })

  test('is for who began the chain: nobody gets by another what they may not', async () => {
    await open([
      { name: 'open', on: 'issues.opened', agent: 'replier', who: 'anyone' },
      { name: 'chained', on: 'issue_comment.created', agent: 'replier', self: true },
    ])
    await shop.openIssue({ title: 'Bug' }, 'mallory')
    expect((await ended(2))[1]).toMatchObject({
      status: 'cancelled',
      error: 'skipped: `mallory` has no write permission on acme/shop',
    })
  })

  test('keeps who began the chain through a label too', async () => {
    await open(
      [
        { name: 'label', on: 'issues.opened', agent: 'labeller', who: 'anyone' },
        { name: 'again', on: 'issues.labeled', agent: 'labeller', self: true },
      ],
      {},
      [labeller],
    )
    await shop.openIssue({ title: 'Bug' }, 'mallory')
    expect((await ended(2))[1]).toMatchObject({
      status: 'cancelled',
      error: 'skipped: `mallory` has no write permission on acme/shop',
      depth: 1,
    })
  })

  test('is not what somebody else marks so: a copied marker is a text like any other', async () => {
    await open([{ ...chat, who: 'anyone', self: true }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    const marker = '<!-- signalbox:key=job=0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10/r -->'
    await shop.comment(number, `Run ${marker}`, 'mallory')
    const [first] = await ended(1)
    expect(first?.facts).not.toHaveProperty('self')
    expect(first).toMatchObject({ status: 'completed', depth: 0 })
  })

  test('by the hand of a person who has the same account is theirs', async () => {
    await open([{ ...chat, who: 'anyone' }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'hello', 'signalbox')
    expect(await ended(1)).toMatchObject([{ status: 'completed' }])
  })

  test('by the hand of a person who has the same account is theirs as a label and a push too', async () => {
    const on = ['issues.labeled', 'pull_request.synchronize']
    await open([{ name: 'by-hand', on, agent: 'replier', who: 'anyone' }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.labelIssue(number, 'go', 'signalbox')
    expect(await ended(1)).toMatchObject([{ status: 'completed' }])
    const message = 'Mend it'
    await shop.commit({ branch: 'mend', message, files: { a: '1' }, author: 'jane' })
    await shop.openPullRequest({ title: message, head: 'mend' }, 'jane')
    await shop.commit({ branch: 'mend', message, files: { a: '2' }, author: 'signalbox' })
    expect(await ended(2)).toMatchObject([{ status: 'completed' }, { status: 'completed' }])
  })

  test('is recognised by its key while GitHub does not say which account that is', async () => {
    github.faults.add({ route: /^\/user$/, kind: 'status', status: 503, times: 1000 })
    await open([{ ...chat, who: 'anyone' }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, 'hello', 'jane')
    await until('the comment is reported', async () => (await ignored('issue_comment.created')).length === 1)
    expect(await ignored('issue_comment.created')).toMatchObject([{ status: 'ignored', reason: own }])
  })

  test('is recognised without a text too, as soon as GitHub’s rate limit is over', async () => {
    github.faults.add({ route: '/user', kind: 'primaryRateLimit', retryAfterSeconds: 0 })
    await open([{ name: 'again', on: 'issues.labeled', agent: 'labeller', who: 'anyone' }], {}, [labeller])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.labelIssue(number, 'go', 'jane')
    await until('a label is ignored', async () => (await ignored('issues.labeled')).at(-1)?.status === 'ignored')
    expect((await ignored('issues.labeled')).at(-1)).toMatchObject({ reason: own })
  })
})

describe('a command', () => {
  const deploy: Rule = {
    name: 'deploy',
    on: 'command',
    command: {
      name: 'deploy',
      aliases: ['ship'],
      arguments: { environment: ['staging', 'production'], '--max': 'number' },
    },
    agent: 'replier',
    with: { region: 'eu' },
  }
  async function outcomes() {
    return (await jobs()).map(({ agent, status }) => `${agent} ${status}`)
  }

  test('whose job waits, or whose rule is paused, is not given again by the event that says so', async () => {
    const asker = defineAgent({
      name: 'asker',
      description: 'Asks whether to go on.',
      input: z.looseObject({}),
      run: async ({ approval }) => ({
        result: await approval('go', { who: { permission: 'write' }, reason: 'Go on?' }),
      }),
    })
    const failing = defineAgent({
      name: 'failing',
      description: 'Fails.',
      input: z.looseObject({}),
      run: async () => Promise.reject(new GiveUp('broken')),
    })
    const take = (name: string, agent: string): Rule => ({ name, on: 'command', command: { name }, agent })
    await open([take('go', 'asker'), take('fail', 'failing')], {}, [asker, failing])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    const said = (type: string) =>
      until(`${type} is recorded`, async () => {
        const { rows } = await signalbox.database.query<{ facts: Record<string, unknown> }>(
          'select facts from signalbox.events where type = $1',
          [type],
        )
        return rows[0]?.facts ?? null
      })
    await shop.comment(number, '/go', 'jane')
    expect(await said('job.waiting')).toMatchObject({ number, originator: 'jane' })
    for (let n = 0; n < 3; n++) await shop.comment(number, '/fail', 'jane')
    expect(await said('rule.paused')).toMatchObject({ number, originator: 'jane' })
    const rows = (await jobs()).filter(({ agent }) => agent === 'asker' || agent === 'failing')
    expect(rows.map(({ agent }) => agent).sort()).toEqual(['asker', 'failing', 'failing', 'failing'])
  })

  test('starts its rule with typed arguments, by its alias too', async () => {
    await open([deploy])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'mallory')
    const { id } = await shop.comment(number, 'Now:\n/ship staging --max 5', 'jane')
    await ended(2)
    expect(seen).toMatchObject([{ input: { environment: 'staging', max: 5, region: 'eu' } }])
    expect((await outcomes()).sort()).toEqual(['acknowledge completed', 'replier completed'])
    const answer = await fetch(`${github.apiUrl}/repos/acme/shop/issues/comments/${id}/reactions`, {
      headers: { authorization: `Bearer ${github.addToken({ login: 'jane' })}` },
    })
    expect(await answer.json()).toMatchObject([{ content: 'eyes', user: { login: 'signalbox' } }])
  })

  test('of somebody who may not write is not even answered', async () => {
    await open([deploy])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, '/deploy staging', 'mallory')
    await shop.comment(number, '/deplay staging', 'mallory')
    await ended(3)
    expect(await outcomes()).toSatisfy((all: string[]) => all.every((each) => each.endsWith('cancelled')))
    expect(await comments(number)).toHaveLength(2)
  })

  test('that nobody knows is answered with the nearest, once an hour', async () => {
    await open([deploy])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, '/deplay staging', 'jane')
    await ended(1)
    await shop.comment(number, '/deploy nowhere', 'jane')
    await ended(2)
    const all = await shop.issueComments(number)
    expect(all.map(({ user }) => user?.login)).toEqual(['jane', 'signalbox', 'jane'])
    expect(all[1]?.body).toContain('There is no command `/deplay`; did you mean `/deploy`?')
    expect(all[1]?.body).toContain('- `/deploy <staging|production> [--max <number>]` (also `/ship`)')
    expect(seen).toEqual([])
  })

  test('in a text that was edited, quoted or written by Signalbox starts nothing', async () => {
    await open([deploy])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, '> /deploy production\n\n```\n/deploy production\n```', 'jane')
    const { id } = await shop.comment(number, 'hello', 'jane')
    await fetch(`${github.apiUrl}/repos/acme/shop/issues/comments/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${github.addToken({ login: 'jane' })}`, 'content-type': 'application/json' },
      body: JSON.stringify({ body: '/deploy production' }),
    })
    await github.settled()
    expect(await signalbox.count('signalbox.events', `type = 'issue_comment.edited'`)).toBe(1)
    expect(await jobs()).toEqual([])
  })

  test('/why says what followed from the events of an issue, and why nothing did', async () => {
    await open([deploy])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, '/deploy staging', 'mallory')
    await ended(2)
    await shop.comment(number, '/why', 'jane')
    await until('it is answered', async () => (await shop.issueComments(number)).length === 3)
    const answer = (await shop.issueComments(number)).at(-1)?.body ?? ''
    expect(answer).toContain('`issue_comment.created` by `mallory`: rule `deploy`, agent `replier`: cancelled, ')
    expect(answer).toContain('mallory')
    expect(answer).toContain('`issues.opened` by `jane`: ignored, ')
  })

  test('/why says what kept a rule though another answered the command, and nothing of that one', async () => {
    await open([{ ...deploy, who: { users: ['tina'] } }])
    const { number } = await shop.openIssue({ title: 'Bug' }, 'jane')
    await shop.comment(number, '/deploy staging', 'jane')
    await ended(1)
    await signalbox.api('/api/rules/deploy/pause', { method: 'POST', body: { reason: 'frozen' } })
    await shop.comment(number, '/deploy staging', 'tina')
    await ended(2)
    await shop.comment(number, '/why', 'jane')
    await until('it is answered', async () => (await shop.issueComments(number)).length === 4)
    const lines = (await shop.issueComments(number))
      .at(-1)
      ?.body?.split('\n')
      .filter((line) => line.startsWith('- '))
    expect(lines).toHaveLength(3)
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringContaining('`issue_comment.created` by `tina`: routed, `rule "deploy" is paused: frozen`'),
        expect.stringContaining('by `jane`: routed, ``rule "deploy": `jane` is not one of those that who names``'),
        expect.stringContaining('`issues.opened` by `jane`: ignored, '),
      ]),
    )
  })
})
