import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { TestSignalbox } from '../../test/signalbox.ts'
import { openTestSignalbox, until } from '../../test/signalbox.ts'
import { cliOf } from '../../test/terminal.ts'
import { defineAgent } from '../agents/agent.ts'

const release = Promise.withResolvers<void>()

const talker = defineAgent({
  name: 'talker',
  description: 'Writes odd lines.',
  input: z.unknown(),
  run: async ({ log, step }) => {
    log('日本語 👩‍💻 \u001b[31mred\u001b[0m')
    log('to stderr', 'stderr')
    await step('look', () => ({ found: 'ünïcode' }))
    return { result: { said: 2 } }
  },
})
const failing = defineAgent({
  name: 'failing',
  description: 'Fails.',
  input: z.unknown(),
  run: async () => {
    throw new Error(`a very long reason: ${'ä'.repeat(200)}\nand a second line`)
  },
})
const asking = defineAgent({
  name: 'asking',
  description: 'Asks first.',
  input: z.unknown(),
  run: async ({ approval }) => ({ result: await approval('ship', { reason: 'Ship it' }) }),
})
const waiting = defineAgent({
  name: 'waiting',
  description: 'Waits.',
  input: z.unknown(),
  run: async ({ log }) => {
    log('before')
    await release.promise
    log('after')
    return {}
  },
})

let signalbox: TestSignalbox
let cli: ReturnType<typeof cliOf>
beforeAll(async () => {
  signalbox = await openTestSignalbox({ config: { agents: [talker, failing, waiting, asking], rules: [] } })
  cli = cliOf(signalbox)
})
afterAll(async () => {
  release.resolve()
  await signalbox.close()
})

async function triggered(type: string): Promise<string> {
  return (await cli.json<{ jobs: [string] }>(['trigger', type])).jobs[0]
}
async function ended(id: string, status: string): Promise<void> {
  await until(`${id} is ${status}`, async () => (await cli.json(['jobs', 'show', id])).status === status)
}

test('a finished job is shown with its attempts, steps, result and log', async () => {
  const id = await triggered('talker')
  await ended(id, 'completed')
  const { out } = await cli.ask(['jobs', 'show', id])
  expect(out).toMatch(/^job +\S+\ntype +talker\nstatus +completed\nfailed +0\/5\n/)
  expect(out).toMatch(/^result +\{"said":2\}$/m)
  expect(out).toMatch(/\nAttempts\n {2}ATTEMPT {2}OUTCOME .*\n {2}1 +completed /)
  expect(out).toMatch(/\nSteps\n {2}STEP +ATTEMPT .*\n(.*\n)* {2}look +1 +\S+ +\{"found":"ünïcode"\}/)
  expect(out).toMatch(/\nLog\n {2}\S+Z log {2}日本語 👩‍💻 \ufffd\[31mred/)
  expect(out).not.toContain('\u001b')
})

describe('the log of a job', () => {
  test('is printed line by line, and nothing in it controls the terminal', async () => {
    const id = await triggered('talker')
    await ended(id, 'completed')
    const { code, out } = await cli.ask(['jobs', 'log', id])
    expect(code).toBe(0)
    expect(out).toMatch(/^\S+Z log {2}日本語 👩‍💻 \ufffd\[31mred\ufffd\[0m\n\S+Z stderr {2}to stderr\n$/)
  })

  test('is one object per line with --json', async () => {
    const id = await triggered('talker')
    await ended(id, 'completed')
    const { out } = await cli.ask(['jobs', 'log', id, '--json'])
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ stream: 'log', line: expect.stringContaining('日本語') }, { stream: 'stderr' }])
  })

  test('is followed until the job has ended', async () => {
    const id = await triggered('waiting')
    let out = ''
    const following = cli.ask(['jobs', 'log', id, '--follow'], {
      out: (text) => {
        out += text
      },
    })
    await until('the first line is there', async () => out.includes('before'))
    expect(out).not.toContain('after')
    release.resolve()
    expect((await following).code).toBe(0)
    expect(out).toMatch(/^\S+ log {2}before\n\S+ log {2}after\n$/)
  })

  test('of more than one page is whole', async () => {
    const id = await triggered('talker')
    await ended(id, 'completed')
    await signalbox.database.query(
      `insert into signalbox.job_log (job_id, attempt, line) select $1, 1, 'more' from generate_series(1, 1500)`,
      [id],
    )
    expect((await cli.ask(['jobs', 'log', id])).out.match(/ {2}more$/gm)).toHaveLength(1500)
  })
})

test('what is staged is shown, and what was written with what allowed it', async () => {
  const id = await triggered('talker')
  await ended(id, 'completed')
  await signalbox.database.query(
    `insert into signalbox.outputs (id, job_id, position, kind, repository, body, status, preview)
     values (gen_random_uuid(), $1, 0, 'comment', 'acme/shop', '{}', 'staged', E'Hi\n\u001b[2J+ line')`,
    [id],
  )
  await signalbox.database.query(
    `insert into signalbox.writes
       (job_id, attempt, rule, agent, position, kind, repository, config_sha256, output_sha256, access, receipt, written_at)
     values ($1, 1, 'r', 'a', 1, 'labels', 'acme/shop', repeat('c', 64), repeat('d', 64), '{"issues": "write"}',
       '{"url": "https://x/1", "created": true}', '2026-01-01')`,
    [id],
  )
  const { out } = await cli.ask(['jobs', 'show', id])
  expect(out).toContain('\nStaged\n  comment\n    Hi\n    \ufffd[2J+ line\n')
  expect(out).toMatch(
    /\nWrites\n {2}WRITTEN .*\n {2}2026-01-01T00:00:00.000Z +https:\/\/x\/1 +d{12} +c{12} +issues:write\n/,
  )
  const { outputs, writes } = await cli.json<{ outputs: object[]; writes: object[] }>(['jobs', 'show', id])
  expect(outputs).toMatchObject([{ status: 'staged', preview: 'Hi\n\u001b[2J+ line' }])
  expect(writes).toMatchObject([{ position: 1, access: { issues: 'write' }, receipt: { url: 'https://x/1' } }])
})

describe('the list of jobs', () => {
  test('has one line for each, however long its error', async () => {
    const id = await triggered('failing')
    await signalbox.database.query(`update signalbox.jobs set max_attempts = 1 where id = $1`, [id])
    await until('it was attempted', async () => (await cli.json(['jobs', 'show', id])).error !== null)
    const whole = (await cli.ask(['jobs', 'ls', '--type', 'failing'])).out
    expect(whole).toMatch(/^ID +AGE +TYPE +STATUS +FAILED +RULE +WHY +ERROR\n/)
    expect(whole).toContain(`${'ä'.repeat(200)}; and a second line`)
    const { out } = await cli.ask(['jobs', 'ls', '--type', 'failing'], { columns: 100 })
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    expect(out).toMatch(/…$/m)
  })

  test('counts the failures against the most there may be, and what was put off or lost apart', async () => {
    const id = await triggered('talker')
    await ended(id, 'completed')
    const { rows } = await signalbox.database.query<{ max_attempts: number }>(
      'update signalbox.jobs set failures = 1, deferrals = 37, losses = 2 where id = $1 returning max_attempts',
      [id],
    )
    const counted = `1/${rows[0]?.max_attempts}, put off 37×, lost 2×`
    expect((await cli.ask(['jobs', 'ls', '--type', 'talker'])).out).toContain(`  completed  ${counted}`)
    expect((await cli.ask(['jobs', 'show', id])).out).toContain(`\nfailed     ${counted}\n`)
  })

  test('takes filters, and says when nothing matches', async () => {
    expect((await cli.ask(['jobs', 'ls', '--agent', 'nobody'])).out).toBe('There are no such jobs.\n')
    expect(await cli.json(['jobs', 'ls', '--status', 'cancelled'])).toEqual({ items: [], next: null })
  })

  test('goes on where the page before ended', async () => {
    for (let n = 0; n < 3; n++) await triggered('ping')
    const { out } = await cli.ask(['jobs', 'ls', '--limit', '2', '--type', 'ping'])
    const [, cursor = ''] = /^There are more: --cursor (\S+)$/m.exec(out) ?? []
    const rest = (await cli.ask(['jobs', 'ls', '--type', 'ping', '--cursor', cursor])).out
    const ids = [...`${out}${rest}`.matchAll(/^[0-9a-f-]{36}/gm)].map(([id]) => id)
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(3)
  })
})

describe('an approval', () => {
  async function asked(): Promise<string> {
    const id = await triggered('asking')
    await until('it waits', async () => (await cli.json(['jobs', 'show', id])).status === 'waiting')
    return id
  }

  test('is shown with what the job waits for, and given by name and reason', async () => {
    const id = await asked()
    expect((await cli.json(['jobs', 'ls', '--status', 'waiting'])).items).toMatchObject([{ id }])
    const before = (await cli.ask(['jobs', 'show', id])).out
    expect(before).toMatch(/waits for +Approval of "ship": Ship it, since \S+ and until \S+\./)
    expect(before).toMatch(/ship +approval .* not yet/)
    const { out } = await cli.ask(['jobs', 'approve', id, '--reason', 'seen', '--by', 'ops'])
    expect(out).toMatch(/^Noted; the job is \w+\.\n$/)
    await ended(id, 'completed')
    expect((await cli.json(['jobs', 'show', id])).result).toMatchObject({ approved: true, by: 'ops', reason: 'seen' })
    expect((await cli.ask(['jobs', 'show', id])).out).toMatch(/approve +ship +ops +api +seen/)
    expect(await cli.ask(['jobs', 'reject', id])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/is answered too late: it was approved by ops at \S+\.\n {2}→ See what became of it/),
    })
  })

  test('is refused', async () => {
    const id = await asked()
    await cli.ask(['jobs', 'reject', id, '--name', 'ship'])
    await ended(id, 'completed')
    expect((await cli.json(['jobs', 'show', id])).result).toMatchObject({ approved: false, how: 'api', by: null })
  })
})

describe('a change by hand', () => {
  test('runs a cancelled job again, and says what it is now', async () => {
    const id = await triggered('failing')
    await until('it is between two attempts', async () => (await cli.json(['jobs', 'show', id])).error !== null)
    expect((await cli.ask(['jobs', 'cancel', id])).out).toBe('The job is cancelled.\n')
    expect(await cli.ask(['jobs', 'cancel', id])).toMatchObject({
      code: 1,
      err: expect.stringContaining('The job is cancelled; only one that has not ended can be cancelled'),
    })
    expect(await cli.json(['jobs', 'retry', id])).toMatchObject({ id, job_type: 'failing' })
  })

  test('of a completed job is refused', async () => {
    const id = await triggered('ping')
    await ended(id, 'completed')
    expect(await cli.ask(['jobs', 'retry', id])).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        new RegExp(`^signalbox: The job is completed; .*\\n  → See what became of it: signalbox jobs show ${id}\\n$`),
      ),
    })
  })
})
