// Ids as people type them: whole, or a beginning or an end that no other row has.
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Sql } from './database.ts'

const PART = /^[0-9a-f](?:-?[0-9a-f]){5,31}-?$/i
const MAX_NAMED = 3

// No index finds an end, so it is looked for among the newest rows only; lists use these indexes.
const NEWEST_ROWS = 100_000
const NEWEST_FIRST = {
  events: 'id desc',
  jobs: 'created_at desc, id desc',
  deployments: 'created_at desc',
  endpoints: 'created_at desc',
  deliveries: 'event_id desc, endpoint_id desc',
  findings: 'created_at desc, id desc',
  nodes: 'id desc',
  gaps: 'found_at desc, id desc',
} as const

/** A table whose rows are addressed by their ids. */
export type Addressed = keyof typeof NEWEST_FIRST

/**
 * The whole id of the row that `given` means: an id, or at least six characters of its beginning,
 * or of its end among the newest 100,000 rows. What no row has is returned as it is.
 * @throws AppError `input_invalid` when several rows have it.
 */
export async function findId(sql: Sql, table: Addressed, given: string): Promise<string> {
  if (isUuid(given) || !PART.test(given)) return given
  const part = given.toLowerCase()
  const { rows } = await sql.query<{ id: string }>(
    `(select id from signalbox.${table} where id between $1::uuid and $2::uuid order by id limit $4)
     union
     (select id from (
        select id from signalbox.${table} order by ${NEWEST_FIRST[table]} limit ${NEWEST_ROWS}
      ) as newest where id::text like '%' || $3 limit $4)
     order by id limit $4`,
    [beginning(part, '0'), beginning(part, 'f'), part, MAX_NAMED + 1],
  )
  const [first, ...others] = rows.map(({ id }) => id)
  if (others.length === 0) return first ?? given
  const named = [first, ...others].slice(0, MAX_NAMED).join(', ')
  const more = others.length >= MAX_NAMED ? ' and others' : ''
  throw new AppError(
    'input_invalid',
    `id: ${JSON.stringify(given)} is part of several ids of ${table}; give more of one: ${named}${more}`,
  )
}

/** The first or last id that begins so. */
function beginning(part: string, filler: '0' | 'f'): string {
  return part.replaceAll('-', '').padEnd(32, filler)
}
