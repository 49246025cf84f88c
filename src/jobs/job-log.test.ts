import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
import { redactor } from '../untrusted/redact.ts'
import type { JobLog } from './job-log.ts'
import { MAX_LOG_LINES, openJobLog } from './job-log.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database?.close())
afterEach(() => {
  vi.useRealTimers()
})

const clock = fakeClock()

const owner = newId()

/** A job whose first attempt runs. */
async function addJob(): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, owner, attempt)
     values ($1, 'r', 't', 'a', '{}', 5, 5, 900000, 'running', $2, 1)`,
    [id, owner],
  )
  return id
}

async function beginNext(id: string, by = owner): Promise<void> {
  await database.query('update signalbox.jobs set attempt = attempt + 1, owner = $2 where id = $1', [id, by])
}

async function linesOf(id: string) {
  const { rows } = await database.query<{ attempt: number; stream: string; line: string; at: Date }>(
    'select attempt, stream, line, at from signalbox.job_log where job_id = $1 order by id',
    [id],
  )
  return rows
}

/** A database that counts the statements, and can be away. */
function observed() {
  const state: { statements: number; isAway: 'statement' | 'answer' | null } = { statements: 0, isAway: null }
  const query: Database['query'] = async (text, values, name) => {
    state.statements++
    if (state.isAway === 'statement') throw unavailable(new Error('away'))
    const answer = await database.query(text, values, name)
    if (state.isAway === 'answer') throw unavailable(new Error('away'))
    return answer as never
  }
  return { state, log: openJobLog({ ...database, query }, clock, silentLog) }
}

describe('the log of jobs', () => {
  it('has each line with its attempt, its stream and its time', async () => {
    const id = await addJob()
    const { log } = observed()
    log.of({ id, attempt: 1, owner })('first')
    await log.flush()
    const at = clock.now()
    clock.advance(5)
    await beginNext(id)
    log.of({ id, attempt: 2, owner })('second\nthird', 'stderr')
    await log.flush()
    expect(await linesOf(id)).toEqual([
      { attempt: 1, stream: 'log', line: 'first', at },
      { attempt: 2, stream: 'stderr', line: 'second', at: clock.now() },
      { attempt: 2, stream: 'stderr', line: 'third', at: clock.now() },
    ])
  })

  it('writes the lines of many jobs by one statement, and nothing when there is none', async () => {
    const ids = await Promise.all([addJob(), addJob(), addJob()])
    const { state, log } = observed()
    await log.flush()
    expect(state.statements).toBe(0)
    for (const id of ids) log.of({ id, attempt: 1, owner })('a line')
    await log.flush()
    expect(state.statements).toBe(1)
    for (const id of ids) expect(await linesOf(id)).toHaveLength(1)
  })

  it('writes by itself after a while, and at once when much has gathered', async () => {
    const id = await addJob()
    const { state, log } = observed()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const write = log.of({ id, attempt: 1, owner })
    write('one')
    vi.advanceTimersByTime(499)
    expect(state.statements).toBe(0)
    vi.advanceTimersByTime(1)
    vi.useRealTimers()
    await log.flush()
    expect(state.statements).toBe(1)
    for (let i = 0; i < 1000; i++) write(`line ${i}`)
    await expect.poll(() => linesOf(id)).toHaveLength(1001)
  })

  it('keeps lines while the database is away, and writes each once, also when only the answer got lost', async () => {
    const [id, other] = [await addJob(), await addJob()]
    const { state, log } = observed()
    const [write, writeOther] = [log.of({ id, attempt: 1, owner }), log.of({ id: other, attempt: 1, owner })]
    write('stored before')
    await log.flush()
    for (const isLost of ['statement', 'answer'] as const) {
      state.isAway = isLost
      write(`while the ${isLost} is lost`)
      writeOther(`while the ${isLost} is lost`)
      await expect(log.flush()).rejects.toMatchObject({ code: 'database_unavailable' })
      write('and after it')
      state.isAway = null
      await log.flush()
    }
    const whileAway = ['while the statement is lost', 'while the answer is lost']
    expect((await linesOf(other)).map(({ line }) => line)).toEqual(whileAway)
    expect((await linesOf(id)).map(({ line }) => line)).toEqual([
      'stored before',
      ...whileAway.flatMap((line) => [line, 'and after it']),
    ])
  })

  it('writes what it has kept by itself, and loses what is too much while the database is away', async () => {
    const ids = [await addJob(), await addJob()]
    const { state, log } = observed()
    state.isAway = 'statement'
    for (const id of ids) log.of({ id, attempt: 1, owner })(Array.from({ length: 6000 }, () => 'x').join('\n'))
    await expect(log.flush()).rejects.toMatchObject({ code: 'database_unavailable' })
    state.isAway = null
    const stored = async () => {
      const { rows } = await database.query('select from signalbox.job_log where job_id = any($1::uuid[])', [ids])
      return rows.length
    }
    await expect.poll(stored, { timeout: 60_000, interval: 200 }).toBe(10_000)
  })

  it('loses lines of those that have the most, and none of others, when there are too many', async () => {
    const [loud, other, quiet] = [await addJob(), await addJob(), await addJob()]
    const { state, log } = observed()
    state.isAway = 'answer'
    log.of({ id: quiet, attempt: 1, owner })('first')
    const many = Array.from({ length: 9000 }, (_, at) => `${at}`)
    for (const id of [loud, other]) log.of({ id, attempt: 1, owner })(many.join('\n'))
    await expect(log.flush()).rejects.toMatchObject({ code: 'database_unavailable' })
    state.isAway = null
    await log.flush()
    expect((await linesOf(quiet)).map(({ line }) => line)).toEqual(['first'])
    for (const id of [loud, other]) expect((await linesOf(id)).map(({ line }) => line)).toEqual(many.slice(0, 4999))
  })

  it('keeps no more in memory than the lines, of whatever they were parts', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const { state, log } = observed()
    state.isAway = 'statement'
    const write = log.of({ id: newId(), attempt: 1, owner }, { text: (text) => text, value: (value) => value })
    const before = used()
    for (let i = 0; i < 200; i++) write(`one short line, number ${i}\n${'x'.repeat(900_000)}`)
    expect(used() - before).toBeLessThan(60_000_000)
  })

  it('leaves out the lines of an attempt that has lost its job, and of another owner', async () => {
    const [id, other] = [await addJob(), await addJob()]
    const { log } = observed()
    log.of({ id, attempt: 1, owner })('before')
    await log.flush()
    await beginNext(id, newId())
    log.of({ id, attempt: 1, owner })('too late')
    log.of({ id, attempt: 2, owner })('not its own')
    log.of({ id: other, attempt: 1, owner })('of another job')
    await log.flush()
    expect((await linesOf(id)).map(({ line }) => line)).toEqual(['before'])
    expect((await linesOf(other)).map(({ line }) => line)).toEqual(['of another job'])
  })

  it.each([
    ['of an attempt that was ended by its owner while they waited', 'completed', ['waits']],
    ['not of one that was lost meanwhile', 'lost', []],
  ])('has lines %s', async (_what, outcome, expected) => {
    const id = await addJob()
    const { log } = observed()
    log.of({ id, attempt: 1, owner })('waits')
    await database.query(
      `insert into signalbox.job_attempts (job_id, attempt, owner, outcome, started_at, finished_at)
       values ($1, 1, $2, $3, now(), now())`,
      [id, owner, outcome],
    )
    await beginNext(id, newId())
    await log.flush()
    expect((await linesOf(id)).map(({ line }) => line)).toEqual(expected)
  })

  it("has the database's times, whatever the clock of its host says", async () => {
    const id = await addJob()
    const hour = 3_600_000
    for (const wrongMs of [-hour, hour]) {
      const log = openJobLog(database, { now: () => new Date(Date.now() + wrongMs), sqlNow: () => null }, silentLog)
      log.of({ id, attempt: 1, owner })('a line')
      await log.flush()
    }
    const { rows } = await database.query<{ apart: number }>(
      `select abs(extract(epoch from now() - at))::float8 as apart from signalbox.job_log where job_id = $1`,
      [id],
    )
    expect(rows.map(({ apart }) => apart < 60)).toEqual([true, true])
  })

  it('loses the lines of a job that was deleted', async () => {
    const { log } = observed()
    log.of({ id: newId(), attempt: 1, owner })('nobody reads this')
    await log.flush()
  })

  it('redacts nothing more after its end, and at most a million characters at once', async () => {
    const redacted: number[] = []
    const redact = (text: string) => {
      redacted.push(text.length)
      return text.replaceAll('secret', '[redacted]')
    }
    const id = await addJob()
    const { log } = observed()
    const write = log.of({ id, attempt: 1, owner }, { text: redact, value: (value) => value })
    write('a secret')
    write(`b\n${'secret'.repeat(1_000_000)}`)
    write('\n'.repeat(900_000))
    for (let i = 0; i < 5; i++) write('more')
    await log.flush()
    expect(redacted).toEqual([8, 63, 900_000])
    const lines = await linesOf(id)
    expect(lines).toHaveLength(MAX_LOG_LINES + 1)
    expect(lines.slice(0, 3).map(({ line }) => line)).toEqual([
      'a [redacted]',
      'b',
      'The rest is left out: it has more than 1,000,000 characters.',
    ])
  })

  it('has the fields of a line, without secrets, in a form that SQL can ask', async () => {
    const id = await addJob()
    const { log } = observed()
    const write = log.of({ id, attempt: 1, owner }, redactor([], ['hunter2-hunter2']))
    write('labelled\nsecond line', {
      label: 'bug',
      confidence: 0.9,
      tokens: 512,
      said: 'hunter2-hunter2',
      password: 'x1',
    })
    write('odd', { '\0': 'a\0b\ud800', deep: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) })
    write('failed', { error: new Error('no such branch'), also: [new TypeError('not a number')] })
    write('too much', { small: 1, large: 'x'.repeat(4000) })
    await log.flush()
    const { rows } = await database.query('select line, fields from signalbox.job_log where job_id = $1 order by id', [
      id,
    ])
    expect(rows).toMatchObject([
      {
        line: 'labelled',
        fields: { label: 'bug', confidence: 0.9, tokens: 512, said: '[redacted]', password: '[redacted]' },
      },
      { line: 'second line', fields: null },
      { line: 'odd', fields: { '\ufffd': 'a\ufffdb\ufffd' } },
      { line: 'failed', fields: { error: 'no such branch', also: ['not a number'] } },
      { line: 'too much', fields: { small: 1, left_out: '1, because there are more than 4,000 characters' } },
    ])
    const sure = `select from signalbox.job_log where job_id = $1 and (fields->>'confidence')::float8 > 0.8`
    expect((await database.query(sure, [id])).rowCount).toBe(1)
  })

  it('asks a database that is away no more once it is closed', async () => {
    const id = await addJob()
    const { state, log } = observed()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    state.isAway = 'statement'
    const write = log.of({ id, attempt: 1, owner })
    write('one')
    await expect(log.flush()).rejects.toThrow('cannot be reached')
    const closing = log.flush().catch(() => undefined)
    log.close()
    await closing
    write('two')
    const { statements } = state
    await vi.advanceTimersByTimeAsync(5000)
    expect(state.statements).toBe(statements)
    state.isAway = null
    await log.flush()
    expect(await linesOf(id)).toEqual([])
  })

  it('keeps the lines of all jobs when an agent names a stream that there is not', async () => {
    const id = await addJob()
    const { log } = observed()
    const write = log.of({ id, attempt: 1, owner })
    write('one', 'other' as 'log')
    write('two', 'stderr')
    await log.flush()
    expect(await linesOf(id)).toMatchObject([
      { stream: 'log', line: 'one' },
      { stream: 'stderr', line: 'two' },
    ])
  })

  it('ends after its last line, saying so once, and begins again with the next attempt', async () => {
    const id = await addJob()
    const log: JobLog = openJobLog(database, clock, silentLog)
    const write = log.of({ id, attempt: 1, owner })
    write(Array.from({ length: MAX_LOG_LINES + 5 }, () => 'x').join('\n'), 'stdout')
    write('more')
    await log.flush()
    await beginNext(id)
    log.of({ id, attempt: 2, owner })('again')
    await log.flush()
    const lines = await linesOf(id)
    expect(lines).toHaveLength(MAX_LOG_LINES + 2)
    expect(lines.slice(-2)).toMatchObject([
      { attempt: 1, stream: 'log', line: `The log ends here: it has more than ${MAX_LOG_LINES} lines.` },
      { attempt: 2, line: 'again' },
    ])
  })
})
