// A trace: what led to something, and what followed, from the deployment or event that began it.
import type { Sql } from '../db/database.ts'
import { climb } from './climb.ts'
import { findNodes } from './find.ts'
import { treesOf } from './tree.ts'
import type { Trace } from './wire.ts'

/**
 * The trees that the given id, thing or commit is in.
 * @throws AppError `not_found` when there is nothing of it, `input_invalid` when several have a
 * part of an id.
 */
export async function traceOf(sql: Sql, given: string, sources: Iterable<string>): Promise<Trace> {
  const paths = []
  for (const node of await findNodes(sql, given, sources)) paths.push(await climb(sql, node))
  return treesOf(sql, paths)
}
