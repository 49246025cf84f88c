// What newer versions of PostgreSQL take, and 15 would not. What the tests run is compared with it
// by test/database.ts.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { newerThan15 } from './postgres-15.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const migrations = readdirSync(`${root}/migrations`).map((name) => `migrations/${name}`)
const documents = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' }).flatMap((name) =>
  name.endsWith('.md') ? [`docs/${name}`] : [],
)

describe('PostgreSQL 15 takes', () => {
  test.each(migrations)('%s', async (file) => {
    expect(await newerThan15(readFileSync(`${root}/${file}`, 'utf8'))).toBeNull()
  })

  test('the SQL of the documents', async () => {
    const blocks = documents.flatMap((file) =>
      [...readFileSync(`${root}/${file}`, 'utf8').matchAll(/^```(?:pg)?sql\n(.*?)^```/gms)].map(([, sql = '']) => sql),
    )
    expect(blocks.length).toBeGreaterThan(10)
    for (const sql of blocks) expect([await newerThan15(sql), sql]).toEqual([null, sql])
  })

  test.each([
    'select random(), generate_series(1, 2), json_strip_nulls($1)',
    `begin; set local jit = off; select set_config('lock_timeout', '5', true)`,
    'select old.x, 1 as x1, 2 as bytes from a as old',
    `select 'infinity'::timestamptz, interval '1 day', "memory" from a`,
  ])('%s', async (statement) => {
    expect(await newerThan15(statement)).toBeNull()
  })
})

describe('PostgreSQL 15 would refuse', () => {
  test.each([
    ['a subquery without a name', 'select * from a where x in (select id from (select id from b) where y)'],
    ['MERGE that returns', 'merge into a using b on a.x = b.x when matched then delete returning a.x'],
    ['old rows that return', 'update a set x = 1 returning old.x'],
    ['tests for JSON', 'select x is json from a'],
    ['JSON_TABLE', `select * from json_table('[]'::jsonb, '$[*]' columns (x int)) as t`],
    ['constructors of JSON', 'select json_array(1, 2)'],
    ['a column with STORAGE', 'create table a (b text storage external)'],
    ['a virtual column', 'create table a (b int, c int generated always as (b + 1) virtual)'],
    ['underscores in numbers', 'select 1_000'],
    ['AT LOCAL', 'select now() at local'],
    ['any_value', 'select any_value(x) from a'],
    ['uuidv7', 'insert into a values (pg_catalog.uuidv7())'],
    ['random between two numbers', 'select random(1, 6)'],
    ['endless intervals', `select 'infinity'::interval`],
    ['its settings', 'set local transaction_timeout = 5'],
    ['its settings of a role', 'alter role a set transaction_timeout = 5'],
    ['its settings by a function', `select set_config('transaction_timeout', '5', true)`],
    ['its statistics', 'select last_seq_scan from pg_stat_user_tables'],
    ['its tables', 'select reads from pg_stat_io'],
    ['options of EXPLAIN', 'explain (generic_plan) select $1'],
    ['options of COPY', 'copy a from stdin (on_error ignore)'],
    ['any of it in a function', 'create function a() returns int language sql as $$ select * from (select 1) $$'],
  ])('%s', async (_, statement) => {
    expect(await newerThan15(statement)).not.toBeNull()
  })
})
