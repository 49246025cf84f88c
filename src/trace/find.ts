// What somebody means by any id: of an event, a job, a delivery, a deployment, an output, or the
// sender's own of an event.
import type { Sql } from '../db/database.ts'
import { findId } from '../db/find-id.ts'
import { withoutPrefix } from '../deployments/deployment.ts'
import { AppError } from '../lib/error.ts'
import { isUuid } from '../lib/id.ts'
import { readAbout } from './about.ts'
import { eventsAbout } from './about-events.ts'
import type { Ref } from './node.ts'

/** So many events of a thing are begun with; their trees are often one. */
const MAX_EVENTS = 5

const TABLES = [
  ['event', 'events'],
  ['job', 'jobs'],
  ['delivery', 'deliveries'],
  ['deployment', 'deployments'],
] as const

/** The sources beside the configured ones whose events have ids of their own. */
const OWN_SOURCES = ['signalbox', 'deployments', 'outbox', 'manual', 'test']

/**
 * The nodes that are meant: one for an id, or the newest events about a thing.
 * @throws AppError `not_found` when there is none, `input_invalid` when several have a part of an
 * id.
 */
export async function findNodes(sql: Sql, given: string, sources: Iterable<string>): Promise<Ref[]> {
  const id = withoutPrefix(given.trim())
  const byId = isUuid(id) ? await byWholeId(sql, id.toLowerCase()) : await byPart(sql, id)
  if (byId.length > 0) return byId
  const bySender = await byDeliveryId(sql, given.trim(), [...sources, ...OWN_SOURCES])
  if (bySender.length > 0) return bySender
  const notFound = new AppError('not_found', `Nothing has the id ${JSON.stringify(given)}, and no event is about that.`)
  const about = readAboutOr(given, notFound)
  const ids = await eventsAbout(sql, about, { limit: MAX_EVENTS })
  if (ids.length === 0) throw notFound
  return ids.map((each) => ({ kind: 'event', id: each }))
}

function readAboutOr(given: string, otherwise: AppError) {
  try {
    return readAbout(given)
  } catch {
    throw otherwise
  }
}

async function byWholeId(sql: Sql, id: string): Promise<Ref[]> {
  const { rows } = await sql.query<Ref>(
    `select 'event' as kind, id from signalbox.events where id = $1
     union all select 'job', id from signalbox.jobs where id = $1
     union all select 'delivery', id from signalbox.deliveries where id = $1
     union all select 'deployment', id from signalbox.deployments where id = $1
     union all select 'output', id from signalbox.outputs where id = $1`,
    [id],
  )
  return rows
}

async function byPart(sql: Sql, part: string): Promise<Ref[]> {
  const found: Ref[] = []
  for (const [kind, table] of TABLES) {
    const id = await findId(sql, table, part)
    if (isUuid(id)) found.push({ kind, id })
  }
  if (found.length <= 1) return found
  const named = found.map(({ kind, id }) => `the ${kind} ${id}`).join(', ')
  throw new AppError('input_invalid', `id: ${JSON.stringify(part)} is part of several; give more of one: ${named}`)
}

async function byDeliveryId(sql: Sql, deliveryId: string, sources: readonly string[]): Promise<Ref[]> {
  const { rows } = await sql.query<{ id: string }>(
    `select id from signalbox.events where source = any($1::text[]) and delivery_id = $2 order by id desc limit 1`,
    [sources, deliveryId],
  )
  return rows.map(({ id }) => ({ kind: 'event', id }))
}
