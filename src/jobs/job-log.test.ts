import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openTestDatabase } from '../../test/database.ts'
import { unavailable } from '../db/connection.ts'
import type { Database } from '../db/database.ts'
import { fakeClock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { silentLog } from '../lib/log.ts'
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

async function addJob(): Promise<string> {
  const id = newId()
  await database.query(
    `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms)
     values ($1, 'r', 't', 'a', '{}', 5, 5, 900000)`,
    [id],
  )
  return id
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
  const state = { statements: 0, isAway: false }
  const query: Database['query'] = async (text, values, name) => {
    state.statements++
    if (state.isAway) throw unavailable(new Error('away'))
    return database.query(text, values, name)
  }
  return { state, log: openJobLog({ ...database, query }, clock, silentLog) }
}

describe('the log of jobs', () => {
  it('has each line with its attempt, its stream and its time', async () => {
    const id = await addJob()
    const { log } = observed()
    log.of({ id, attempt: 1 })('first')
    const at = clock.now()
    clock.advance(5)
    log.of({ id, attempt: 2 })('second\nthird', 'stderr')
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
    for (const id of ids) log.of({ id, attempt: 1 })('a line')
    await log.flush()
    expect(state.statements).toBe(1)
    for (const id of ids) expect(await linesOf(id)).toHaveLength(1)
  })

  it('writes by itself after a while, and at once when much has gathered', async () => {
    const id = await addJob()
    const { state, log } = observed()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const write = log.of({ id, attempt: 1 })
    write('one')
    vi.advanceTimersByTime(499)
    expect(state.statements).toBe(0)
    vi.advanceTimersByTime(1)
    vi.useRealTimers()
    await log.flush()
    expect(state.statements).toBe(1)
    for (let i = 0; i < 1000; i++) write(`line ${i}`)
    await vi.waitFor(async () => expect(await linesOf(id)).toHaveLength(1001), { timeout: 5000 })
  })

  it('loses lines rather than hold up a job while the database is away, and goes on after', async () => {
    const id = await addJob()
    const { state, log } = observed()
    const write = log.of({ id, attempt: 1 })
    state.isAway = true
    write('lost')
    await log.flush()
    state.isAway = false
    write('kept')
    await log.flush()
    expect((await linesOf(id)).map(({ line }) => line)).toEqual(['kept'])
  })

  it('loses the lines of a job that was deleted', async () => {
    const { log } = observed()
    log.of({ id: newId(), attempt: 1 })('nobody reads this')
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
    const write = log.of({ id, attempt: 1 }, redact)
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

  it('keeps the lines of all jobs when an agent names a stream that there is not', async () => {
    const id = await addJob()
    const { log } = observed()
    const write = log.of({ id, attempt: 1 })
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
    const write = log.of({ id, attempt: 1 })
    write(Array.from({ length: MAX_LOG_LINES + 5 }, () => 'x').join('\n'), 'stdout')
    write('more')
    log.of({ id, attempt: 2 })('again')
    await log.flush()
    const lines = await linesOf(id)
    expect(lines).toHaveLength(MAX_LOG_LINES + 2)
    expect(lines.slice(-2)).toMatchObject([
      { attempt: 1, stream: 'log', line: `The log ends here: it has more than ${MAX_LOG_LINES} lines.` },
      { attempt: 2, line: 'again' },
    ])
  })
})
