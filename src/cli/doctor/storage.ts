// The doctor on what is stored: how much it is, for how long the disk lasts, and what was deleted.

import { statfs } from 'node:fs/promises'
import type { Database } from '../../db/database.ts'
import { bytesText } from '../../lib/bytes-text.ts'
import type { Environment } from '../../lib/environment.ts'
import { KINDS, limitsOf } from '../../retention/limits.ts'
import { databaseBytes, sizes, usedBytes } from '../../retention/size.ts'
import { age } from '../text.ts'
import type { Check } from './check.ts'
import { ok, problem, warning } from './check.ts'

const PROBLEM_BYTES = 500e6
const WARNING_BYTES = 2e9
const WARNING_DAYS = 14
/** What grows is measured by the events of so many days, and not from fewer than these. */
const RATE_DAYS = 7
const MIN_EVENTS = 1000

/** The size of the database, the disk under an embedded one, and the last deletion. */
export async function storageChecks(database: Database, environment: Environment): Promise<Check[]> {
  const bytes = await databaseBytes(database)
  const checks = [await sizeCheck(database, bytes, environment), await retentionCheck(database, environment)]
  // Whose disk another server's database is on is not known here.
  if (environment.DATABASE_URL !== undefined) return checks
  const perDay = await bytesPerDay(database, bytes)
  const { bavail, bsize } = await statfs(environment.SIGNALBOX_DATA_DIR)
  return [...checks, growthCheck(bavail * bsize, perDay)]
}

async function sizeCheck(database: Database, bytes: number, environment: Environment): Promise<Check> {
  const parts = (await sizes(database)).map((size) => `${size.what} ${bytesText(size.bytes)}`)
  const text = `${bytesText(bytes)}: ${parts.join(', ')}`
  const { maxBytes } = limitsOf(environment)
  if (maxBytes === null || bytes <= maxBytes) return ok('size of the database', text)
  const used = await usedBytes(database)
  return used <= maxBytes
    ? ok('size of the database', `${text}; about ${bytesText(used)} of it are in use`)
    : warning(
        'size of the database',
        `${text}; more than RETENTION_MAX_GB allows`,
        'The service deletes the oldest bodies; if there are none left, set RETENTION_DAYS lower.',
      )
}

async function retentionCheck(database: Database, environment: Environment): Promise<Check> {
  const kinds = KINDS.filter((kind) => limitsOf(environment).days[kind] > 0)
  const { rows } = await database.query<{ removed: number; bytes: number; last: Date | null }>(
    `select coalesce(sum(removed), 0)::float8 as removed, coalesce(sum(bytes), 0)::float8 as bytes,
       min(finished_at) as last from signalbox.retention where kind = any($1::text[])`,
    [kinds],
  )
  const { removed = 0, bytes = 0, last = null } = rows[0] ?? {}
  if (kinds.length === 0) return ok('retention', 'everything is kept for ever')
  const run = last === null ? 'nothing was looked for yet' : `looked ${age(last.toISOString())} ago`
  return ok('retention', `${run}; ${removed} rows deleted so far (${bytesText(bytes)})`)
}

/**
 * What the database grows by in a day, by the events of the last days and what one takes with all
 * that followed from it; null where there are too few.
 */
async function bytesPerDay(database: Database, bytes: number): Promise<number | null> {
  const { rows } = await database.query<{ events: number; days: number; all: number }>(
    `select count(*)::float8 as events, extract(epoch from now() - min(received_at))::float8 / 86400 as days,
       (select count(*)::float8 from signalbox.events) as all
     from signalbox.events where received_at > now() - $1 * interval '1 day'`,
    [RATE_DAYS],
  )
  const { events = 0, days = 0, all = 0 } = rows[0] ?? {}
  return events < MIN_EVENTS ? null : (events / Math.max(days, 1)) * (bytes / all)
}

/** What is free, and for how long at the present rate. */
export function growthCheck(free: number, perDay: number | null): Check {
  const days = perDay === null ? null : free / perDay
  const rate =
    perDay === null || days === null
      ? ''
      : `; at about ${bytesText(perDay)} a day it is full in ${Math.floor(days)} days, if nothing is deleted`
  const text = `${bytesText(free)} free${rate}`
  const hint = 'Make space, or keep less: RETENTION_MAX_GB, RETENTION_BODIES_DAYS and RETENTION_DAYS.'
  if (free < PROBLEM_BYTES) return problem('growth', text, hint)
  return free < WARNING_BYTES || (days !== null && days < WARNING_DAYS)
    ? warning('growth', text, hint)
    : ok('growth', text)
}
