// Whether nodes that work together run the same program, tables and configuration.
import type { Sql } from '../db/database.ts'
import { shortId } from '../lib/short-id.ts'
import { isAlive } from './alive.ts'

/** What is compared of a node. */
type Compared = {
  id: string
  host: string
  version: string | null
  schema_version: string | null
  config_sha256: string | null
}

const SHA_CHARS = 12
const MAX_NAMED = 3

/** A sentence for each thing that differs between these nodes; none when they are alike. */
function differencesOf(nodes: readonly Compared[]): string[] {
  return [
    difference('versions of the program', nodes, ({ version }) => version),
    difference('versions of the tables', nodes, ({ schema_version }) => schema_version),
    difference('configurations', nodes, ({ config_sha256 }) => config_sha256?.slice(0, SHA_CHARS) ?? null),
  ].flat()
}

function difference(what: string, nodes: readonly Compared[], partOf: (node: Compared) => string | null): string[] {
  const groups = Map.groupBy(nodes, (node) => partOf(node) ?? 'unknown')
  if (groups.size < 2) return []
  const named = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, some]) => `${value} (${names(some)})`)
  return [`Live nodes run different ${what}: ${named.join(', ')}.`]
}

function names(nodes: readonly Compared[]): string {
  const named = nodes.slice(0, MAX_NAMED).map(({ id, host }) => `${shortId(id)} on ${host}`)
  return [...named, ...(nodes.length > MAX_NAMED ? [`${nodes.length - MAX_NAMED} more`] : [])].join(', ')
}

/** What differs between the nodes that are alive and not about to end, a sentence each. */
export async function differencesNow(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<Compared>(
    `select id, host, version, schema_version, config_sha256 from signalbox.nodes n
     where ${isAlive('n')} and drain_at is null and status <> 'draining' order by started_at, id`,
  )
  return differencesOf(rows)
}
