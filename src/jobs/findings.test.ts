// What a review leaves is stored with the end of its run, by the attempt that has the job, once.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openTestDatabase } from '../../test/database.ts'
import type { AgentContext, AgentResult } from '../agents/agent.ts'
import { defineAgent } from '../agents/agent.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import type { Found, ReturnedReview } from '../findings/finding.ts'
import { FINDING } from '../findings/fixtures/finding.ts'
import { DEFAULT_MUTING } from '../findings/precision.ts'
import { ledgerOn } from '../findings/query.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import type { Output } from '../publisher/output.ts'
import { queueOn } from '../queue/queue.ts'
import { LeaseLost } from '../queue/running.ts'
import { redactor } from '../untrusted/redact.ts'
import { attemptJob } from './fixtures/attempt-job.ts'
import { publishing } from './fixtures/publishing.ts'
import type { JobRow, RunDetail } from './job.ts'
import { JOBS } from './job.ts'
import { rememberRun } from './outputs.ts'
import type { RunOptions } from './run.ts'

const clock = fakeClock()
const queue = queueOn<JobRow, RunDetail>({ table: JOBS, clock })
const SCOPE = { repository: 'acme/shop', pullRequest: 7 }
const FOUND: Found = { ...FINDING, fingerprint: 'f'.repeat(32) }
const REVIEW: ReturnedReview = {
  scope: SCOPE,
  sha: 'a'.repeat(40),
  found: [FOUND],
  reviewed: { ['c'.repeat(32)]: [FOUND] },
}
const NOTE: Output = { kind: 'comment', repository: 'acme/shop', target: { issue: 1 }, body: 'hi', key: 'k' }

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
beforeEach(async () => {
  await database.query('truncate signalbox.jobs, signalbox.findings, signalbox.reviewed_files cascade')
})

async function claimJob(policy: object = { repositories: ['acme/*'] }): Promise<JobRow> {
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, priority, max_attempts, time_limit_ms, input, available_at, policy)
     values ($1, 'r', 't', 'work', 5, 5, 60000, '{}', $2, $3)`,
    [newId(), clock.now(), JSON.stringify(policy)],
  )
  const [row] = await queue.claim(database, { owner: newId(), limit: 1, leaseMs: 30_000 })
  return row!
}

function attempt(
  row: JobRow,
  run: (context: AgentContext<unknown>) => Promise<AgentResult>,
  change: Partial<RunOptions> = {},
) {
  const agent = defineAgent({ name: 'work', description: 'Works.', input: z.object({}), run })
  return attemptJob({ database, clock, row, agent }, change)
}

function stored() {
  return ledgerOn(database, DEFAULT_MUTING).of(SCOPE)
}

describe('the findings that an agent returns', () => {
  it.each([
    ['with outputs', [NOTE]],
    ['without outputs', []],
  ])('are stored %s, and the agent does not run again', async (_, outputs) => {
    const row = await claimJob()
    expect(await attempt(row, async () => ({ outputs, findings: REVIEW, result: 1 }))).toMatchObject({
      outcome: { kind: 'completed' },
    })
    expect(await stored()).toMatchObject([FOUND])
    const { rows } = await database.query<{ ran_at: Date }>('select ran_at from signalbox.jobs')
    const again = async () => {
      throw new Error('It ran again.')
    }
    const ran = { ...row, ran_at: rows[0]!.ran_at, result: 1 }
    expect(await attempt(ran, again)).toMatchObject({ outcome: { kind: 'completed' }, detail: { result: 1 } })
  })

  it('are stored before its outputs are written, so that a write that fails loses none', async () => {
    const failing = publishing(async () => {
      throw new Error('away')
    })
    const outcome = await attempt(await claimJob(), async () => ({ outputs: [NOTE], findings: REVIEW }), {
      openPublisher: failing,
    })
    expect(outcome).toMatchObject({ outcome: { kind: 'retried' } })
    expect(await stored()).toHaveLength(1)
  })

  it('are stored all or none: whoever has lost the job leaves nothing', async () => {
    const row = await claimJob()
    await database.query('update signalbox.jobs set owner = $1', [newId()])
    const run = { clock, result: null, outputs: [] }
    const review = { changes: [], found: [FOUND], scope: SCOPE, sha: 'a'.repeat(40) }
    await expect(rememberRun(database, row, { ...run, findings: review })).rejects.toBeInstanceOf(LeaseLost)
    expect(await stored()).toEqual([])
    const kept = {
      ...row,
      owner: (await database.query<{ owner: string }>('select owner from signalbox.jobs')).rows[0]!.owner,
    }
    const wrong = { ...review, found: [{ ...FOUND, severity: 'none' as 'low' }] }
    await expect(rememberRun(database, kept, { ...run, findings: wrong })).rejects.toThrow('severity')
    expect((await database.query('select from signalbox.jobs where ran_at is not null')).rowCount).toBe(0)
  })

  it('are stored once when the answer to the commit is lost', async () => {
    let blips = 0
    const losing: Database = {
      ...database,
      async transaction(run, options) {
        const done = await database.transaction(run, options)
        if (blips++ === 0) throw unavailable(new Error('away'))
        return done
      },
    }
    const outcome = await attempt(await claimJob(), async () => ({ findings: REVIEW }), { database: losing })
    expect([outcome.outcome.kind, blips]).toEqual(['completed', 2])
    expect(await stored()).toHaveLength(1)
  })

  it('have no secret in what people read of them', async () => {
    const title = 'The password is hunter2hunter2'
    const hidden: Found = { ...FOUND, title, body: title, suggestion: title }
    const findings = { ...REVIEW, found: [hidden], reviewed: { ['c'.repeat(32)]: [hidden] } }
    await attempt(await claimJob(), async () => ({ findings }), { redactor: redactor([], ['hunter2hunter2']) })
    const { rows } = await database.query<{ all: string }>(
      `select string_agg(f.*::text || r.*::text, '') as all from signalbox.findings f, signalbox.reviewed_files r`,
    )
    expect(rows[0]?.all).toContain('The password is [redacted]')
    expect(rows[0]?.all).not.toContain('hunter2')
  })

  it('are not stored for a staged job, which reports nothing', async () => {
    await attempt(await claimJob({ repositories: ['acme/*'], staged: true }), async () => ({ findings: REVIEW }))
    expect(await stored()).toEqual([])
  })

  it.each([
    [{ repositories: ['acme/other'] }, REVIEW, /^findings: acme\/shop is not a repository that the rule may write to/],
    [{ repositories: ['acme/*'] }, { ...REVIEW, sha: 'main' }, /findings\.sha: must be the SHA of a commit/],
    [
      { repositories: ['acme/*'] },
      { ...REVIEW, found: [{ ...FOUND, confidence: 2 }] },
      /findings\.found\.0\.confidence: must be at most 1/,
    ],
  ])('are refused where %j does not allow them, or they are wrong', async (policy, findings, reason) => {
    const { outcome } = await attempt(await claimJob(policy), async () => ({ findings: findings as ReturnedReview }))
    expect(outcome).toMatchObject({ kind: 'failed', error: expect.stringMatching(reason) })
    expect(await stored()).toEqual([])
  })
})

it('an agent reads the findings of the repositories that its rule names, and of no other', async () => {
  await attempt(await claimJob(), async () => ({ findings: REVIEW }))
  const read = async ({ findings }: AgentContext<unknown>) => ({
    result: [
      (await findings.of(SCOPE)).length,
      await findings.muted('acme/shop'),
      await findings.dismissed('acme/shop', [FOUND.fingerprint]),
      await findings.reviewed(SCOPE),
    ],
  })
  expect(await attempt(await claimJob(), read)).toMatchObject({
    detail: { result: [1, [], [], { ['c'.repeat(32)]: [FOUND] }] },
  })
  const asks = ['of', 'muted', 'dismissed', 'reviewed'] as const
  for (const method of asks) {
    const other = async ({ findings }: AgentContext<unknown>) => {
      const ask = findings[method] as (given: unknown, more: unknown) => Promise<unknown>
      const isScope = method === 'of' || method === 'reviewed'
      return { result: await ask(isScope ? { repository: 'else/where', branch: 'main' } : 'else/where', []) }
    }
    const { outcome } = await attempt(await claimJob(), other)
    expect([method, outcome]).toMatchObject([
      method,
      { kind: 'failed', error: expect.stringContaining('else/where is not a repository') },
    ])
  }
})
