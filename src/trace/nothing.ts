// Where nothing reached us about a thing: what did, and what to check.
import type { Sql } from '../db/database.ts'
import { isoTime } from '../db/time.ts'
import { listGaps } from '../gaps/query.ts'
import type { Clock } from '../lib/clock.ts'
import type { About } from './about.ts'

const REFUSED_WITHIN_MS = 24 * 60 * 60 * 1000

type Parts = { looking: Sql; clock: Clock; sources: ReadonlyMap<string, { secrets: readonly unknown[] }> }

/** What is known, and what to check, most likely first. */
export async function checksFor(
  { looking, clock, sources }: Parts,
  { subjects, sha, repository }: About,
): Promise<string[]> {
  const repo = repository ?? /^([^@#]+\/[^@#]+)(?:[@#]|$)/.exec(subjects[0] ?? '')?.[1] ?? null
  const of = repo === null ? null : await someOf(looking, repo)
  const last = await newestEvent(looking)
  const refused = await countRefused(looking, new Date(clock.now().getTime() - REFUSED_WITHIN_MS))
  return [
    ...(last === null
      ? ['No event was ever recorded: is the webhook set up? "signalbox doctor" checks the settings.']
      : []),
    ...(repo === null ? [] : [repositoryCheck(repo, of, subjects.includes(repo))]),
    ...(sha === null || of === null
      ? []
      : [
          'Events name a commit only where their sender does: GitHub sends a push for the newest commit of a branch alone.',
        ]),
    ...(refused === 0 ? [] : [`${refused} requests were refused within a day: signalbox events ls --status rejected`]),
    ...closedChecks(sources),
    ...(last === null ? [] : [`The newest event of all is ${last.type} from ${last.source} of ${last.at}.`]),
    await missedCheck(looking),
    'What GitHub sent, and what it was answered, is under Settings, Webhooks, Recent Deliveries of the repository.',
  ]
}

function repositoryCheck(repo: string, of: Within | null, isAllOfIt: boolean): string {
  if (of === null)
    return `Nothing ever reached us about ${repo}: is there a webhook on it, or is the App installed there?`
  return isAllOfIt
    ? `What is in ${repo} is asked for by itself, such as: signalbox why ${of.subject} (${of.type} of ${of.at})`
    : `Others about ${repo} did, such as ${of.type} of ${of.at}: its webhook works, so check the number or the name, and which events the webhook sends.`
}

function closedChecks(sources: Parts['sources']): string[] {
  return [...sources].flatMap(([name, { secrets }]) =>
    name === 'github' && secrets.length === 0
      ? ['The source github is closed, because it has no secret: signalbox sources']
      : [],
  )
}

/** The webhooks that GitHub sent in vain: those that were found, or how to find them. */
async function missedCheck(sql: Sql): Promise<string> {
  const [gap] = (await listGaps(sql, { limit: 1 })).items
  const last = gap === undefined ? '' : ` The last time found is ${gap.began_at} to ${gap.ended_at}: signalbox gaps ls.`
  return `Webhooks that GitHub sent and nobody received are looked for by: signalbox gaps check.${last}`
}

type Newest = { type: string; source: string; at: string }
type Within = Newest & { subject: string }

/** One event about the repository, or what is in it: an index has their beginnings. */
async function someOf(sql: Sql, repository: string): Promise<Within | null> {
  const one = (from: string, to: string) =>
    `(select id from signalbox.events where lower(subject) ~>=~ ${from} and lower(subject) ~<~ ${to} limit 1)`
  const { rows } = await sql.query<Within>(
    `select e.type, e.source, e.subject, ${isoTime('e.received_at')} as at
     from (
       (select id from signalbox.events where lower(subject) = lower($1) limit 1)
       union all ${one(`(lower($1) || '#')`, `(lower($1) || '$')`)}
       union all ${one(`(lower($1) || '@')`, `(lower($1) || 'A')`)}
     ) as found join signalbox.events e using (id) order by e.id desc limit 1`,
    [repository],
  )
  return rows[0] ?? null
}

async function newestEvent(sql: Sql): Promise<Newest | null> {
  const { rows } = await sql.query<Newest>(
    `select type, source, ${isoTime('received_at')} as at from signalbox.events
     where status <> 'rejected' order by id desc limit 1`,
  )
  return rows[0] ?? null
}

async function countRefused(sql: Sql, since: Date): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `select count(*)::int as n from (
       select received_at from signalbox.events where status = 'rejected' order by id desc limit 1000
     ) as refused where received_at > $1`,
    [since],
  )
  return rows[0]?.n ?? 0
}
