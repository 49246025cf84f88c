// How PostgreSQL goes about deleting: never through a whole table, whatever is known of it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../db/database.ts'
import type { Stage } from './fixtures/stage.ts'
import { openStage } from './fixtures/stage.ts'
import { KINDS } from './limits.ts'
import { pack } from './pack.ts'
import { prune } from './prune.ts'

const ROWS = 5_000

type Node = { 'Node Type': string; 'Relation Name'?: string; Plans?: Node[] }

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  // What is known of the tables is up to the tests.
  await stage.query(
    `do $$ declare it regclass; begin
       for it in select oid::regclass from pg_class where relnamespace = 'signalbox'::regnamespace and relkind = 'r' loop
         execute format('alter table %s set (autovacuum_enabled = false)', it);
       end loop;
     end $$`,
  )
  await stage.query(
    `insert into signalbox.events (id, source, delivery_id, type, status, reason, received_at)
     select gen_random_uuid(), 's', n::text, 'push', case when n % 10 = 0 then 'rejected' else 'ignored' end, 'x',
       '2025-01-01'::timestamptz + n * interval '1 second' from generate_series(1, ${ROWS}) n`,
  )
  await stage.query(
    `insert into signalbox.jobs (id, event_id, rule, type, agent, input, priority, max_attempts, time_limit_ms, status, created_at, finished_at)
     select gen_random_uuid(), id, 'r', 't', 'a', '{}', 5, 5, 1, 'completed', received_at, received_at from signalbox.events`,
  )
  await stage.query(
    `insert into signalbox.job_log (job_id, attempt, line, at) select id, 1, 'x', created_at from signalbox.jobs`,
  )
  await stage.query(
    `insert into signalbox.deliveries (id, event_id, endpoint_id, max_attempts, status, created_at, finished_at)
     select gen_random_uuid(), e.id, p.id, 5, 'succeeded', received_at, received_at from signalbox.events e, signalbox.endpoints p`,
  )
  await stage.query(
    `insert into signalbox.delivery_attempts (delivery_id, attempt, owner, outcome, started_at, finished_at)
     select id, 1, id, 'completed', created_at, created_at from signalbox.deliveries`,
  )
  await stage.query(
    `insert into signalbox.findings (id, repository, pull_request, fingerprint, reviewer, category, severity, confidence,
       cost, path, side, title, body, first_sha, last_sha, created_at)
     select gen_random_uuid(), 'r', n, 'f', 'r', 'c', 'low', 1, 'low', 'p', 'RIGHT', 't', 'b', 's', 's', now() - n * interval '1 minute'
     from generate_series(1, ${ROWS}) n`,
  )
  await stage.query(
    `insert into signalbox.reviewed_files (repository, pull_request, key, found) select 'r', n, 'k', '[]' from generate_series(1, ${ROWS}) n`,
  )
  await stage.query(
    `insert into signalbox.reviews (repository, pull_request, sha) select 'r', n, 's' from generate_series(1, ${ROWS}) n`,
  )
})
afterAll(() => stage?.database.close())

function wholeTables(node: Node): string[] {
  const own = node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []
  return [...own, ...(node.Plans ?? []).flatMap(wholeTables)]
}

/** A database that explains the batches instead of running them; and what they read whole. */
function explaining(database: Database): { database: Database; batches: string[][] } {
  const batches: string[][] = []
  return {
    batches,
    database: {
      ...database,
      transaction: (run) =>
        database.transaction((tx) =>
          run({
            async query<Row extends object>(text: string, values?: readonly unknown[]) {
              if (!text.includes('with x as materialized')) return tx.query<Row>(text, values)
              const { rows } = await tx.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
                `explain (format json) ${text}`,
                values,
              )
              batches.push(rows.flatMap((row) => wholeTables(row['QUERY PLAN'][0].Plan)))
              return { rows: [{ rows: 0, bytes: 0, last: null, heldAt: null } as unknown as Row], rowCount: 1 }
            },
          }),
        ),
    },
  }
}

test.each([{ analysed: false }, { analysed: true }])(
  'by indexes only, with statistics: $analysed',
  async ({ analysed }) => {
    if (analysed) await stage.query('analyze')
    const { database, batches } = explaining(stage.database)
    await prune(
      KINDS.map((kind) => ({ kind, days: 180 })),
      { ...stage.walking, database },
    )
    await pack({ ...stage.walking, database })
    expect(batches).toHaveLength(KINDS.length + 3)
    expect(batches.flat()).toEqual([])
  },
)
