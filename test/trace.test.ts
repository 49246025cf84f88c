// The whole loop, traced: a deployment, its pull request, its merge, and what a job makes of that;
// and why something or nothing followed from what reached us.
import { readFileSync } from 'node:fs'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../src/agents/agent.ts'
import { GiveUp } from '../src/lib/error.ts'
import type { Replayed } from '../src/replay/request.ts'
import type { Trace, TraceNode, Why } from '../src/trace/wire.ts'
import type { DescribedApi } from './described-api.ts'
import { describedApi } from './described-api.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'
import { cliOf } from './terminal.ts'

const thanker = defineAgent({
  name: 'thanker',
  description: 'Thanks where something was merged, and fails where it is asked to.',
  input: z.looseObject({}),
  async run({ event, input }) {
    if (input.fail) throw new GiveUp('I was asked to fail.')
    const { repository = '', number = 0 } = event?.facts ?? {}
    const comment = { kind: 'comment', key: 't', repository, target: { issue: number }, body: 'Thank you.' } as const
    return { outputs: [comment] }
  },
})

const page = readFileSync(new URL('../docs/replay.md', import.meta.url), 'utf8')

let github: FakeGithub
let shop: RepositoryHandle
let signalbox: TestSignalbox
let api: DescribedApi
beforeAll(async () => {
  github = await openFakeGithub()
  shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators: { jane: 'write', signalbox: 'write' },
    files: { 'README.md': '# Shop\n' },
  })
  const { defaultRules } = await import('../src/config/default-rules.ts')
  signalbox = await openTestSignalbox({
    config: {
      agents: [thanker],
      rules: [
        ...defaultRules.filter(({ name }) => name === 'deployment-pr'),
        { name: 'thanks', on: 'environment.merged', agent: 'thanker' },
        { name: 'notes', on: 'issues.labeled', agent: 'thanker', when: { label: 'note' } },
        { name: 'failing', on: 'issues.labeled', agent: 'thanker', with: { fail: true }, when: { label: 'fail' } },
        { name: 'shown', on: 'issues.labeled', agent: 'thanker', staged: true, when: { label: 'show' } },
        { name: 'only-jane', on: 'issues.closed', agent: 'thanker', who: { users: ['will'] } },
        {
          name: 'off-limits',
          on: 'issues.labeled',
          agent: 'thanker',
          repositories: ['acme/other'],
          when: { label: 'far' },
        },
      ],
    },
    env: {
      GITHUB_TOKEN: github.addToken({ login: 'signalbox' }),
      GITHUB_API_URL: github.apiUrl,
      GITHUB_REPO: 'acme/shop',
    },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  api = await describedApi(signalbox)
})
afterAll(async () => {
  await signalbox.close()
  await github.close()
})

const DEPLOYMENT = {
  project_id: 'p',
  app_name: 'bot',
  variant_name: 'v1',
  environment: 'production',
  config: { temperature: 0.5 },
  deployed_by: 'jane',
}

async function settled(): Promise<void> {
  await github.settled()
  await until('no job is left', async () => (await signalbox.count('signalbox.jobs', 'finished_at is null')) === 0)
  await github.settled()
}

async function trace(id: string): Promise<Trace> {
  const answer = await api.get(`/trace/${encodeURIComponent(id)}`)
  expect(answer).toMatchObject({ status: 200 })
  return answer.body as Trace
}

async function why(about: string, query = ''): Promise<Why> {
  const answer = await api.get(`/why?about=${encodeURIComponent(about)}${query}`)
  expect(answer).toMatchObject({ status: 200 })
  return answer.body as Why
}

/** A text without what is another each time: ids, times, addresses and numbers. */
function normal(text: string): string {
  return text
    .replaceAll(/https?:\/\/[\w.:]+\//g, 'https://HOST/')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/(?<=\s|job )[0-9a-f]{8}(?=\s)/g, 'ID')
    .replaceAll(/\+?\d[\d.]* (ms|s|min)\b|\d+[smh] ago/g, 'DURATION')
    .replaceAll(/(#|issues\/|issuecomment-)\d+/g, '$1N')
}

/** The blocks of the page that show what is printed and begin so. */
function printed(beginning: string): string[] {
  const found = [...page.matchAll(/^```text\n(.*?)^```/gms)].map(([, block = '']) => block)
  const block = found.find((each) => each.startsWith(beginning))
  if (block === undefined) throw new Error(`the page shows nothing that begins with ${beginning}`)
  return normal(block).split('\n')
}

/** The tree as lines: two blanks for each step down, the kind, and what tells it apart. */
function outline({ nodes }: Pick<Trace, 'nodes'>): string[] {
  return nodes.map(
    ({ depth, kind, title, status }) =>
      `${'  '.repeat(depth)}${kind} ${title.replace(/,? (by|from) .*$/, '')} ${status}`,
  )
}

describe('the full loop', () => {
  let deployment: string
  let tree: Trace
  beforeAll(async () => {
    const { body } = await api.post('/deployments', DEPLOYMENT)
    deployment = String(body.deployment_id)
    await settled()
    const [pull] = await shop.pulls()
    await shop.comment(pull?.number ?? 0, 'Looks good.', 'jane')
    await shop.mergePullRequest(pull?.number ?? 0, 'jane')
    await settled()
    tree = await trace(deployment)
  })

  test('is one tree: deployment, event, job, pull request, merge, event, job, comment', () => {
    const lines = outline(tree)
    const inOrder = [
      'deployment bot to production recorded',
      '  event environment.deployed routed',
      '    job deployment-pr completed',
      '      output pull request published',
      '        event pull_request.opened ignored',
      '        event issue_comment.created ignored',
      '        event pull_request.closed ignored',
      '          event environment.merged routed',
      '            job thanker completed',
      '              output comment published',
      '                event issue_comment.created ignored',
    ]
    expect(lines.filter((line) => inOrder.includes(line))).toEqual(inOrder)
    expect(lines).toContain('      event job.completed ignored')
    expect(tree.cut).toBe(false)
    expect(new Set(tree.nodes.map(({ id }) => id)).size).toBe(tree.nodes.length)
  })

  test('is the same tree whichever of its nodes is asked for, which is marked', async () => {
    for (const node of tree.nodes) {
      const found = await trace(node.id)
      expect(outline(found)).toEqual(outline(tree))
      expect(found.nodes.filter(({ asked }) => asked).map(({ id }) => id)).toEqual([node.id])
    }
  })

  test('is found by a short id, the delivery id of GitHub, an address, the pull request and its commit', async () => {
    const opened = tree.nodes.find(({ title }) => title.startsWith('pull_request.opened')) as TraceNode
    const { body } = await api.get(`/events/${opened.id}`)
    const { sha } = body.facts as { sha: string }
    const [pull] = await shop.pulls()
    const ways = [
      opened.id.slice(-8),
      String(body.delivery_id),
      pull?.html_url ?? '',
      `acme/shop#${pull?.number}`,
      sha,
      sha.slice(0, 9),
    ]
    for (const way of ways) expect(outline(await trace(way)), way).toEqual(outline(tree))
  })

  test('is drawn with times, and printed as JSON', async () => {
    const { ask, json } = cliOf(signalbox)
    const { code, out } = await ask(['trace', deployment])
    expect(code).toBe(0)
    expect(out).toMatch(/^deployment bot to production about bot@production: recorded {2}\w{8} {2}\d+s ago {2}◀\n/)
    expect(out).toMatch(/^└─ event environment\.deployed .*: routed {2}\w{8} {2}\+\d+ ms$/m)
    expect(out).toMatch(/^ {3}└─ job deployment-pr, by the rule "deployment-pr": completed {2}\w{8} {2}\+.*, took .*$/m)
    expect(out).toContain((await shop.pulls())[0]?.html_url)
    expect(await json<Trace>(['trace', deployment])).toEqual(tree)
    // The page leaves out what it says nothing of.
    const lines = normal(out).split('\n')
    expect(printed('deployment ').filter((line) => !lines.includes(line))).toEqual([])
  })
})

describe('why', () => {
  test('says of each event about a thing what followed, newest first', async () => {
    const { number } = await shop.openIssue({ title: 'x', labels: ['fail', 'show', 'far'] }, 'jane')
    await settled()
    await shop.closeIssue(number, 'jane')
    await settled()
    const { items } = await why(`acme/shop#${number}`)
    const closed = items.findIndex(({ type }) => type === 'issues.closed')
    expect(items.at(-1)?.type).toBe('issues.opened')
    expect(items[closed]?.sentences).toEqual([
      expect.stringMatching(
        /^Nothing followed: rule "only-jane": `jane` is not one of those that who names; no endpoint/,
      ),
    ])
    const said = items.flatMap(({ sentences }) => sentences).join('\n')
    expect(said).toMatch(/^Rule "failing" matched: job \w{8} of thanker failed: I was asked to fail\.$/m)
    expect(said).toMatch(
      /^Rule "shown" matched: job \w{8} of thanker completed\.\nIt would have written a comment, but it is staged\.$/m,
    )
    expect(said).toMatch(/^Rule "off-limits" matched: job \w{8} of thanker failed: Refused by policy: .*acme\/shop/m)
    const one = await why(items[closed]?.id ?? '')
    expect(one.items).toEqual([items[closed]])
    const { out } = await cliOf(signalbox).ask(['why', `${shop.htmlUrl}/issues/${number}`])
    expect(out).toContain('I was asked to fail.')
  })

  test('prints what the page prints', async () => {
    const { number } = await shop.openIssue({ title: 'x', labels: ['note'] }, 'jane')
    await settled()
    const { out } = await cliOf(signalbox).ask(['why', `acme/shop#${number}`])
    const lines = normal(out).split('\n')
    expect(printed('issues.labeled ').filter((line) => line !== '' && !lines.includes(line))).toEqual([])
  })

  test('goes on in pages', async () => {
    const about = 'acme/shop@main'
    const all = await why(about)
    expect(all.items.length).toBeGreaterThan(0)
    const { number } = await shop.openIssue({ title: 'y' }, 'jane')
    for (const n of [1, 2, 3]) await shop.comment(number, `${n}`, 'jane')
    await settled()
    const first = await why(`acme/shop#${number}`, '&limit=2')
    const second = await why(`acme/shop#${number}`, `&limit=2&cursor=${first.next}`)
    const ids = [...first.items, ...second.items].map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].sort().reverse())
    expect(ids.length).toBe(4)
  })

  test('of an app in an environment and of a commit finds the deployment and what was pushed', async () => {
    expect((await why('bot/production')).items.map(({ type }) => type)).toContain('environment.deployed')
    const sha = await shop.commit({ message: 'x', files: { 'x.txt': 'x' } })
    await settled()
    expect((await why(sha)).items).toMatchObject([{ type: 'push', subject: 'acme/shop@main' }])
    expect((await why(`${shop.htmlUrl}/commit/${sha}`)).items).toMatchObject([{ type: 'push' }])
  })

  test('of what nothing reached us about says what to check', async () => {
    const { out, code } = await cliOf(signalbox).ask(['why', 'acme/shop#4711'])
    expect(code).toBe(0)
    const known = (line: string) => line.replace(/such as \S+/, 'such as TYPE')
    expect(normal(out).split('\n').slice(0, 2).map(known)).toEqual(printed('Nothing reached us').slice(0, 2).map(known))
    await signalbox.database.query(
      `insert into signalbox.events (id, source, delivery_id, type, status, reason, subject, facts, body)
       values (gen_random_uuid(), 'github', 'tools', 'push', 'ignored', 'x', 'acme/tools@main', '{}', '{}')`,
    )
    expect((await why('acme/tools')).checks[0]).toMatch(
      /^What is in acme\/tools is .*: signalbox why acme\/tools@main /,
    )
    expect((await why('Acme/TOOLS#1')).checks[0]).toMatch(/^Others about Acme\/TOOLS did, such as push of /)
    expect((await why('acme/nowhere#1')).checks[0]).toMatch(/^Nothing ever reached us about acme\/nowhere/)
  })

  test('of what names nothing is refused', async () => {
    expect(await api.get('/why?about=%2312')).toMatchObject({
      status: 422,
      body: { detail: /names nothing; write acme/ },
    })
    expect(await api.get('/trace/nonsense')).toMatchObject({ status: 404 })
  })
})

describe('a replay', () => {
  test('that is staged shows what it would write, and a live one writes it; both are in the trace', async () => {
    const { number } = await shop.openIssue({ title: 'again', labels: ['note'] }, 'jane')
    await settled()
    const { items } = await why(`acme/shop#${number}`)
    const event = items.find(({ type }) => type === 'issues.labeled')?.id
    const said = async () => (await shop.issueComments(number)).length
    expect(await said()).toBe(1)
    const staged = (await api.post('/replays', { event_id: event, staged: true })).body as Replayed
    await settled()
    expect(await said()).toBe(1)
    const job = (await api.get(`/jobs/${staged.jobs[0]?.id}`)).body
    expect(job).toMatchObject({ status: 'completed', outputs: [{ status: 'staged', preview: expect.any(String) }] })
    await api.post('/replays', { event_id: event, rule: 'notes', by: 'jane' })
    await settled()
    expect(await said()).toBe(2)
    const { nodes } = await trace(event ?? '')
    const replayed = nodes.flatMap(({ title }) => /of a replay.*/.exec(title) ?? [])
    expect(replayed.toSorted()).toEqual(['of a replay', 'of a replay by jane'])
    const sentences = (await why(event ?? '')).items[0]?.sentences.join('\n')
    expect(sentences).toMatch(/of thanker, of a replay, completed\.\nIt would have written a comment/)
  })
})
