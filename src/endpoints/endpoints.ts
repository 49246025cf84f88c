// The endpoints as they are stored: a process's copy for matching, and what is shown of them.
import type { Database, Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import type { Page } from '../lib/page.ts'
import { pageLimit, pageOf, readCursor } from '../lib/page.ts'
import type { Endpoint, EndpointChecks } from './endpoint.ts'
import type { MatchableEndpoint } from './row.ts'
import { MATCHABLE, readShown, SELECT_SHOWN } from './row.ts'
import type { Seal } from './seal.ts'

/** Where endpoints are stored, what seals their secrets, and what checks them. */
export type EndpointStore = EndpointChecks & { database: Database; seal: Seal }

/**
 * The endpoints that events are matched with, and the version they are a copy of: an insert of
 * events compares it with the current one. Those that are paused or disabled are included, because
 * explanations name them.
 */
export async function loadEndpoints(sql: Sql): Promise<{ version: number; endpoints: MatchableEndpoint[] }> {
  // One statement, so that version and endpoints belong together.
  const { rows } = await sql.query<{ version: number } & (MatchableEndpoint | { id: null })>(
    `select version, ${MATCHABLE} from signalbox.routing_version
     left join signalbox.endpoints e on true order by e.created_at, e.id`,
  )
  const endpoints = rows.flatMap(({ version: _, ...endpoint }) => (endpoint.id === null ? [] : [endpoint]))
  return { version: Number(rows[0]?.version ?? 0), endpoints }
}

/** Which endpoints to list; all of them if nothing is given. */
export type EndpointFilter = {
  status?: Endpoint['status'] | undefined
  /** 1 to 100. Default 50. */
  limit?: number | undefined
  /** The `next` of the page before. */
  cursor?: string | undefined
}

/**
 * Lists endpoints, newest first, without their secrets.
 * @throws AppError `input_invalid` when the cursor is not one.
 */
export async function listEndpoints(sql: Sql, filter: EndpointFilter = {}): Promise<Page<Endpoint>> {
  const limit = pageLimit(filter.limit)
  const { rows } = await sql.query<Endpoint>(
    `${SELECT_SHOWN}
     where ($1::text is null or status = $1)
       and ($2::uuid is null or (e.created_at, e.id) < (select created_at, id from signalbox.endpoints where id = $2))
     order by e.created_at desc, e.id desc limit $3`,
    [filter.status ?? null, readCursor(filter.cursor), limit + 1],
  )
  return pageOf(rows, limit)
}

/**
 * One endpoint, without its secrets.
 * @throws AppError `not_found` when there is no such endpoint.
 */
export async function getEndpoint(sql: Sql, id: string): Promise<Endpoint> {
  const endpoint = isUuid(id) ? await readShown(sql, id) : undefined
  if (endpoint === undefined) throw noEndpoint(id)
  return endpoint
}

/** The error of an id that no endpoint has. */
export function noEndpoint(id: string): AppError {
  return new AppError('not_found', `There is no endpoint ${JSON.stringify(id)}.`)
}
