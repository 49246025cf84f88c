// Approvals: people on a strict GitHub answer, and the job that waits counts only what it may.
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openApiGuard } from '../fake-github/openapi.ts'
import { defineAgent } from '../src/agents/agent.ts'
import type { JobDetail } from '../src/jobs/wire.ts'
import type { Pipeline } from '../src/pipeline.ts'
import type { TestSignalbox } from './signalbox.ts'
import { openTestSignalbox, SECRET, until } from './signalbox.ts'

let runs = 0
const ship = defineAgent({
  name: 'ship',
  description: 'Asks before it comments.',
  input: z.looseObject({ timeoutMs: z.number().optional(), other: z.boolean().optional() }),
  async run({ event, approval, input: { timeoutMs = 3_600_000, other = false }, job }) {
    runs++
    const { repository = '', number = 0 } = event?.facts ?? {}
    const comment = (body: string) =>
      ({ kind: 'comment', key: 'r', repository, target: { pullRequest: number }, body }) as const
    const outputs = [comment('Shipped.')]
    const came = await approval('ship', {
      who: { permission: 'maintain', bots: ['merge[bot]'] },
      reason: 'Ship it to production',
      timeoutMs,
      outputs,
    })
    if (!came.approved) return { result: { ...came, attempt: job.attempt } }
    return { outputs: other ? [comment('Something else.')] : outputs, result: { ...came, attempt: job.attempt } }
  },
})

const guard = openApiGuard()
let github: FakeGithub
let shop: RepositoryHandle
let signalbox: TestSignalbox
beforeEach(async () => {
  runs = 0
  github = await openFakeGithub({ onExchange: guard.onExchange })
  shop = await github.addRepository({
    owner: 'acme',
    name: 'shop',
    collaborators: { jane: 'maintain', will: 'write', signalbox: 'admin' },
    files: { 'README.md': '# Shop\n' },
  })
})
afterEach(async () => {
  await github.settled()
  await signalbox.close()
  await github.close()
  expect(guard.violations).toEqual([])
})

async function open(options: Record<string, unknown> = {}) {
  signalbox = await openTestSignalbox({
    config: { agents: [ship], rules: [{ name: 'ship', on: 'pull_request.opened', agent: 'ship', with: options }] },
    env: { GITHUB_TOKEN: github.addToken({ login: 'signalbox' }), GITHUB_API_URL: github.apiUrl },
  })
  await shop.addWebhook({ url: `${signalbox.url}/webhook/github`, secret: SECRET })
  await shop.commit({ message: 'Change', branch: 'topic', files: { 'a.txt': 'a' } })
  const { number } = await shop.openPullRequest({ title: 'Ship', head: 'topic', base: 'main' }, 'will')
  const id = await until('it waits, or has no longer', async () => {
    const { rows } = await signalbox.database.query<{ id: string }>(
      `select id from signalbox.jobs where status in ('waiting', 'completed')`,
    )
    return rows[0]?.id ?? null
  })
  return { number, id }
}
async function review(number: number, body: object) {
  const response = await fetch(`${github.apiUrl}/repos/acme/shop/pulls/${number}/reviews`, {
    method: 'POST',
    headers: { authorization: `Bearer ${github.addToken({ login: 'jane' })}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
}
async function show(id: string): Promise<JobDetail> {
  return (await (await signalbox.api(`/api/jobs/${id}`)).json()) as JobDetail
}
function answered(id: string, n: number) {
  return until(`${n} answers were looked at`, async () => {
    const { rows } = await signalbox.database.query('select from signalbox.job_answers where judged_at is not null')
    const { waits, ...job } = await show(id)
    const answers = waits.flatMap((wait) => wait.answers)
    return rows.length >= n && (job.status === 'waiting' || job.status === 'completed') ? { job, answers } : null
  })
}
function ended(id: string) {
  return until('it has ended', async () => {
    const job = await show(id)
    return ['completed', 'failed'].includes(job.status) && job
  })
}
async function explained(login: string) {
  const { rows } = await signalbox.database.query<{ id: string }>(
    `select id from signalbox.events where actor = $1 and type = 'issue_comment.created' order by id desc limit 1`,
    [login],
  )
  const answer = await (await signalbox.api(`/api/events/${rows[0]?.id}/explain`)).json()
  return (answer as Awaited<ReturnType<Pipeline['explain']>>).waits.map(({ sentence }) => sentence)
}

describe('a comment', () => {
  test('of somebody whom who allows approves, once, and what was approved is written', async () => {
    const { number, id } = await open()
    expect(await show(id)).toMatchObject({
      waits_for: expect.stringMatching(/^Approval of "ship": Ship it to production, since \S+Z and until \S+Z\.$/),
      attempt: 1,
      outputs: [],
    })
    await shop.comment(number, '/approve looks good', 'jane')
    const job = await ended(id)
    expect(job).toMatchObject({
      status: 'completed',
      attempt: 2,
      result: { approved: true, how: 'comment', by: 'jane', reason: 'looks good', attempt: 2 },
      outputs: [{ status: 'published' }],
    })
    await shop.comment(number, '/approve again', 'jane')
    const { answers } = await answered(id, 2)
    expect(answers).toMatchObject([
      { by: 'jane', refusal: null },
      { by: 'jane', refusal: expect.stringMatching(/^too late: it was approved by jane at \S+Z$/) },
    ])
    expect(await explained('jane')).toEqual([
      expect.stringMatching(/^It does not count: too late: it was approved by jane/),
    ])
    expect(await show(id)).toMatchObject({ attempt: 2 })
  })

  test('of the wrong person counts for nothing, says why, and starts no agent', async () => {
    const { number, id } = await open()
    await shop.comment(number, '/approve', 'will')
    const first = await answered(id, 1)
    expect(first).toMatchObject({
      job: { status: 'waiting', failures: 0 },
      answers: [{ by: 'will', refusal: '`will` has no maintain permission on acme/shop' }],
    })
    expect(await explained('will')).toEqual(['It does not count: `will` has no maintain permission on acme/shop.'])
    await shop.comment(number, '/approve', 'mallory')
    expect((await answered(id, 2)).answers[1]?.refusal).toBe('`mallory` has no maintain permission on acme/shop')
    // Only as text: what is quoted is no command.
    await shop.comment(number, '> /approve', 'jane')
    await shop.comment(number, '/reject not on a Friday', 'jane')
    expect(await ended(id)).toMatchObject({
      result: { approved: false, how: 'comment', by: 'jane', reason: 'not on a Friday', attempt: 4 },
      outputs: [],
    })
    expect(runs).toBe(2)
  })

  test('on another pull request is no answer', async () => {
    const { id } = await open()
    const { number } = await shop.openIssue({ title: 'Other' }, 'jane')
    await shop.comment(number, '/approve', 'jane')
    await github.settled()
    expect(await show(id)).toMatchObject({ status: 'waiting', waits: [{ answers: [] }] })
  })
})

describe('a head that moved', () => {
  test('voids the question, before anybody has answered', async () => {
    const { id } = await open()
    await shop.commit({ message: 'Change', branch: 'topic', files: { 'b.txt': 'b' } })
    expect(await ended(id)).toMatchObject({ result: { approved: false, how: 'moved', by: null }, outputs: [] })
  })
})

describe('a review', () => {
  test('that approves counts, of the commit that was asked about', async () => {
    const { number, id } = await open()
    await review(number, { event: 'COMMENT', body: 'Hm.' })
    await review(number, { event: 'APPROVE' })
    expect(await ended(id)).toMatchObject({ result: { approved: true, how: 'review', by: 'jane' } })
  })
})

describe('by the API', () => {
  test('an approval that two give at the same moment is given once, with who and why', async () => {
    const { id } = await open()
    const body = { reason: 'seen by two', by: 'ops' }
    const approve = () => signalbox.api(`/api/jobs/${id}/approve`, { method: 'POST', body })
    // Both have begun before either of them can store its answer.
    const given = await signalbox.database.transaction(async (tx) => {
      await tx.query('select from signalbox.job_waits where job_id = $1 for no key update', [id])
      const both = Promise.all([approve(), approve()])
      await until('both wait for the row', async () => {
        const { rows } = await signalbox.database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.length === 2
      })
      return { both }
    })
    const [first, second] = await given.both
    expect([first.status, second.status].sort()[0]).toBe(200)
    expect(await ended(id)).toMatchObject({
      attempt: 2,
      result: { approved: true, how: 'api', by: 'ops', reason: 'seen by two' },
      waits: [{ answers: [{ refusal: null }] }],
    })
    const late = await signalbox.api(`/api/jobs/${id}/reject`, { method: 'POST' })
    expect(late.status).toBe(409)
    expect(await late.json()).toMatchObject({
      code: 'conflict',
      detail: expect.stringMatching(/^The approval "ship" is answered too late: it was approved by ops at \S+Z\.$/),
    })
  })

  test('of a job that is cancelled while it is given is refused', async () => {
    const { id } = await open()
    const given = await signalbox.database.transaction(async (tx) => {
      await tx.query('select from signalbox.job_waits where job_id = $1 for no key update', [id])
      const answer = signalbox.api(`/api/jobs/${id}/approve`, { method: 'POST' })
      await until('it waits for the row', async () => {
        const { rows } = await signalbox.database.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows.length === 1
      })
      expect((await signalbox.api(`/api/jobs/${id}/cancel`, { method: 'POST' })).status).toBe(200)
      return { answer }
    })
    const late = await given.answer
    expect([late.status, ((await late.json()) as { detail: string }).detail]).toEqual([
      409,
      'The approval "ship" is answered too late: the job is cancelled.',
    ])
    expect(await signalbox.count('signalbox.job_answers')).toBe(0)
  })

  test('of a job that waits for none is refused', async () => {
    const { id } = await open()
    const wrong = await signalbox.api(`/api/jobs/${id}/approve`, { method: 'POST', body: { name: 'other' } })
    expect(await wrong.json()).toMatchObject({ detail: 'The job is waiting, and waits for no such approval.' })
  })
})

test('a time-out is a value, and an answer after it is too late', async () => {
  const { number, id } = await open({ timeoutMs: 300 })
  expect(await ended(id)).toMatchObject({
    result: { approved: false, how: 'timeout', by: null, attempt: 2 },
    outputs: [],
  })
  await shop.comment(number, '/approve', 'jane')
  expect((await answered(id, 1)).answers[0]?.refusal).toMatch(/^too late: its time was up at /)
  const late = await signalbox.api(`/api/jobs/${id}/approve`, { method: 'POST' })
  expect(await late.json()).toMatchObject({ detail: expect.stringMatching(/too late: its time was up at/) })
})

test('other outputs than were approved are not written', async () => {
  const { number, id } = await open({ other: true })
  await shop.comment(number, '/approve', 'jane')
  expect(await ended(id)).toMatchObject({
    status: 'failed',
    error: 'The agent returned other outputs than were approved ("ship"); none is written.',
    outputs: [],
  })
})

test('an event says once that a job waits, for endpoints to notify people of it', async () => {
  const { number, id } = await open()
  await shop.comment(number, '/approve', 'will')
  await answered(id, 1)
  const { rows } = await signalbox.database.query(
    `select type, subject, depth, signalbox.event_payload(payload, body)->'data' as data from signalbox.events
     where type = 'job.waiting'`,
  )
  expect(rows).toMatchObject([
    {
      subject: `acme/shop#${number}`,
      depth: 1,
      data: { job_id: id, kind: 'approval', name: 'ship', reason: 'Ship it to production' },
    },
  ])
})
