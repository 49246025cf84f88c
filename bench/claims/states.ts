// The states of the jobs table in which claims are measured, from an empty table on.
import type pg from 'pg'

/** A state of the table. The states of one group follow each other in one database. */
export type State = { name: string; enter(jobs: JobsTable): Promise<unknown> }

/** The jobs of one database, filled by plain SQL. */
export type JobsTable = {
  /** Adds jobs that are due. */
  addDue(count: number): Promise<unknown>
  /** From now on two thirds of them have groups of their own. */
  inGroups(): void
  /** Adds jobs that wait, due or not: of a group of which one runs, held, or to be begun later. */
  addWaiting(count: number, why: 'group' | 'held' | 'later'): Promise<unknown>
  /** Adds jobs that were completed long ago, until there are as many of them. */
  finishedTo(count: number): Promise<unknown>
  /**
   * Takes jobs of the last hour through `running` to `completed` until there were as many. Each
   * leaves two dead versions, which the snapshot of a transaction that stays open keeps from being
   * removed.
   */
  churnTo(count: number): Promise<unknown>
  analyze(): Promise<unknown>
  vacuum(): Promise<unknown>
  close(): Promise<void>
}

/** How many rows each state has; `--quick` measures with fewer. */
export type Sizes = { small: number; dead: readonly number[]; hot: number; history: number; waiting: number }

/** Groups of states; each group begins with an empty database. */
export function statesOf({ small, dead, hot, history, waiting }: Sizes): State[][] {
  return [
    [
      { name: 'empty', enter: async () => undefined },
      {
        name: `${small} rows, half of them due`,
        async enter(jobs) {
          await jobs.finishedTo(small / 2)
          await jobs.addDue(small / 2)
          await jobs.vacuum()
        },
      },
    ],
    dead.map((count) => ({
      name: `${count} churned under an open transaction`,
      async enter(jobs: JobsTable) {
        await jobs.churnTo(count)
        await jobs.analyze()
      },
    })),
    [
      { name: 'in groups, empty', enter: async (jobs) => jobs.inGroups() },
      {
        name: `in groups, ${dead[0]} churned under an open transaction`,
        async enter(jobs) {
          jobs.inGroups()
          await jobs.churnTo(dead[0] ?? 0)
          await jobs.analyze()
        },
      },
      { name: `in groups, ${hot} of one waiting too`, enter: (jobs) => jobs.addWaiting(hot, 'group') },
    ],
    [
      {
        name: `${waiting * 2} finished, ${waiting / 2} held and as many for later`,
        async enter(jobs) {
          await jobs.finishedTo(waiting * 2)
          await jobs.addWaiting(waiting / 2, 'held')
          await jobs.addWaiting(waiting / 2, 'later')
          await jobs.vacuum()
        },
      },
    ],
    [
      { name: `${history} finished, never analysed`, enter: (jobs) => jobs.finishedTo(history) },
      {
        name: `${history} finished, vacuumed and analysed`,
        async enter(jobs) {
          await jobs.finishedTo(history)
          await jobs.vacuum()
        },
      },
    ],
  ]
}

const BATCH = 10_000

/**
 * Opens the jobs of a database whose schema is up to date. Nothing but what a state asks for is
 * analysed.
 */
export async function openJobsTable(pool: pg.Pool): Promise<JobsTable> {
  await pool.query('alter table signalbox.jobs set (autovacuum_enabled = false)')
  await pool.query('alter table signalbox.job_attempts set (autovacuum_enabled = false)')
  let snapshot: pg.PoolClient | undefined
  let finished = 0
  let churned = 0
  let group = 'null'
  const add = async (count: number, columns: string, values: string) => {
    for (let left = count; left > 0; left -= BATCH) {
      await pool.query(
        `insert into signalbox.jobs (id, rule, type, agent, input, priority, max_attempts, time_limit_ms, ${columns})
         select gen_random_uuid(), 'bench', 'no-op', 'no-op', '{}', 5, 5, 900000, ${values} from generate_series(1, $1::integer)`,
        [Math.min(left, BATCH)],
      )
    }
  }
  return {
    addDue: (count) => add(count, 'available_at, group_key', `now(), ${group}`),
    inGroups() {
      group = `case when random() > 0.3 then gen_random_uuid()::text end`
    },
    async addWaiting(count, why) {
      if (why === 'later') return add(count, 'available_at', `now() + interval '1 day'`)
      const anHour = `now() - random() * interval '1 hour'`
      if (why === 'held') return add(count, 'available_at, held', `${anHour}, true`)
      await add(count, 'available_at, group_key', `${anHour}, 'one'`)
      return pool.query(`update signalbox.jobs set status = 'running', attempt = 1, owner = gen_random_uuid(),
                           available_at = now() + interval '1 day'
                         where id = (select id from signalbox.jobs where group_key = 'one' limit 1)`)
    },
    async finishedTo(count) {
      await add(
        count - finished,
        'status, attempt, created_at, available_at, started_at, finished_at',
        `'completed', 1, now() - interval '1 day', now() - interval '1 day', now() - interval '1 day', now()`,
      )
      finished = count
    },
    async churnTo(count) {
      if (snapshot === undefined) {
        snapshot = await pool.connect()
        await snapshot.query('begin isolation level repeatable read')
        await snapshot.query('select 1')
      }
      await add(count - churned, 'available_at, group_key', `now() - random() * interval '1 hour', ${group}`)
      churned = count
      await pool.query(`update signalbox.jobs set status = 'running', attempt = 1, owner = gen_random_uuid(),
                          available_at = available_at + interval '30 s'
                        where status = 'pending'`)
      await pool.query(`update signalbox.jobs set status = 'completed', owner = null, finished_at = now()
                        where status = 'running'`)
    },
    analyze: () => pool.query('analyze signalbox.jobs'),
    vacuum: () => pool.query('vacuum analyze signalbox.jobs'),
    async close() {
      snapshot?.release(true)
      await pool.end()
    },
  }
}
