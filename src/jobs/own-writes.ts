// Recognising what this program wrote itself when the forge reports it, so that no agent starts
// itself again and again, and a chain of jobs keeps its length through the forge.
import type { Sql } from '../db/database.ts'
import { storable } from '../db/text.ts'
import type { Draft } from '../events/event.ts'
import type { Facts } from '../events/facts.ts'
import type { Trace } from '../events/trace.ts'
import type { Forges } from '../forges/forges.ts'
import type { Clock } from '../lib/clock.ts'
import { errorText, RetryAt } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { DEFAULT_FORGE, parseRepositoryRef } from '../lib/repository.ts'
import { within } from '../lib/within.ts'

// The sender of a webhook waits for ten seconds, and has its answer in milliseconds otherwise.
const ACCOUNT_LIMIT_MS = 2000
const UNKNOWN_MS = 30_000
const MAX_KEYS = 10
// GitHub sends an event again for three days.
const REPORTED_WITHIN = '7 days'

/** What makes of an event that reports an own write: that it is one, how deep, and for whom. */
export type MarkOwn = (draft: Draft, trace: Trace | undefined) => Promise<Draft>

type Parts = { database: Sql; forges: Forges; clock: Clock; log: Log }

type Cause = { jobId: string; depth: number; facts: Facts }

/**
 * An event is of an own write when its sender is the account that this program writes as, and the
 * text or commit has this program's hidden key; where there is no text (such as a closed issue), by
 * its sender alone. A label, or a push to a pull request, must be named by an output too, because
 * what this program writes with is often a person's token. While the forge does not say which
 * account that is, by the key of a job that is known here: who copies one makes no more of it than
 * that the copy starts nothing.
 */
export function ownWrites(parts: Parts): MarkOwn {
  const accountOf = accounts(parts)
  return async (draft, trace) => {
    const { repository, sender } = draft.facts
    if (trace === undefined || repository === undefined || sender === undefined) return draft
    // Nearly every event ends here, without a question to anybody.
    if (trace.hasText && trace.keys.length === 0) return draft
    const account = await accountOf(repository)
    if (account !== null && account.toLowerCase() !== sender.toLowerCase()) return draft
    return account === null ? ofUnknown(parts, draft, trace) : ofAccount(parts, draft, trace)
  }
}

async function ofAccount(parts: Parts, draft: Draft, trace: Trace): Promise<Draft> {
  const { facts } = draft
  if (!(await mayBeOurs(parts, facts, trace))) return draft
  const keys = [...trace.keys.slice(-MAX_KEYS), ...(trace.hasText ? [] : [keyOf(facts)])]
  return asOwn(draft, await causeOf(parts.database, facts.repository, keys))
}

async function ofUnknown({ database }: Parts, draft: Draft, { keys }: Trace): Promise<Draft> {
  const cause = await causeOf(database, draft.facts.repository, keys.slice(-MAX_KEYS))
  return cause === null ? draft : asOwn(draft, cause)
}

/** Whether an output can have caused it; one whose receipt is not stored yet, for any number. */
async function mayBeOurs({ database, clock }: Parts, facts: Facts, { named }: Trace): Promise<boolean> {
  if (named === undefined) return true
  const [kinds, name] =
    'label' in named ? [['labels', 'issue', 'pull_request'], named.label] : [['commit', 'pull_request'], named.branch]
  const { rows } = await database.query<{ found: boolean }>(
    `select exists (
       select from signalbox.outputs
       where created_at > coalesce($1::timestamptz, now()) - $2::interval and kind = any($3)
         and lower(repository) = lower($4) and strpos(body::text, $5) > 0
         and ($6 or key = $7 or receipt is null or receipt ->> 'number' = $8)
     ) as found`,
    [
      clock.sqlNow(),
      REPORTED_WITHIN,
      kinds,
      facts.repository,
      JSON.stringify(name),
      'branch' in named,
      keyOf(facts),
      String(facts.number),
    ],
    'output that names',
  )
  return rows[0]?.found === true
}

function asOwn(draft: Draft, cause: Cause | null): Draft {
  if (cause === null) return { ...draft, depth: 1, facts: { ...draft.facts, self: true } }
  const { jobId, depth, facts } = cause
  // A chain that no account began, such as one from a deployment, was begun by this program.
  const originator = facts.originator ?? facts.sender ?? draft.facts.sender
  return {
    ...draft,
    depth: depth + 1,
    causeJobId: jobId,
    facts: { ...draft.facts, self: true, ...(originator !== undefined && { originator }) },
  }
}

/** What stands for the key of an output without one, such as labels. */
function keyOf({ number }: Facts): string {
  return `#${number}`
}

/** The account of each repository, as long as the forge answers soon; null while it is unknown. */
function accounts({ forges, clock, log }: { forges: Forges; clock: Clock; log: Log }) {
  const unknownUntil = new Map<string, number>()
  return async (repository: string): Promise<string | null> => {
    const name = parseRepositoryRef(repository).forge ?? DEFAULT_FORGE
    const now = clock.now().getTime()
    if (!forges.names.includes(name) || (unknownUntil.get(name) ?? 0) > now) return null
    const { forge, path } = forges.of(repository)
    try {
      return await within(ACCOUNT_LIMIT_MS, forge.account(path), 'it did not answer in time')
    } catch (error) {
      // A refusal for now comes quickly. To remember it would let a loop of labels go on.
      if (!(error instanceof RetryAt)) unknownUntil.set(name, now + UNKNOWN_MS)
      log.warn({ forge: name, error: errorText(error) }, 'the forge does not say which account Signalbox writes as')
      return null
    }
  }
}

const JOB_KEY = /^job=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\//

/** The newest job whose output has one of these keys in a repository, with what caused it. */
async function causeOf(sql: Sql, repository: string | undefined, keys: readonly string[]): Promise<Cause | null> {
  if (keys.length === 0) return null
  const { rows } = await sql.query<Cause>(
    `select jobs.id as "jobId", coalesce(events.depth, 0) as depth, coalesce(events.facts, '{}') as facts
     from signalbox.outputs join signalbox.jobs on jobs.id = outputs.job_id
       left join signalbox.events on events.id = jobs.event_id
     where (outputs.job_id = any($1::uuid[]) or outputs.key = any($2::text[]))
       and lower(outputs.repository) = lower($3)
     order by jobs.created_at desc limit 1`,
    [
      keys.flatMap((key) => JOB_KEY.exec(key)?.[1] ?? []),
      keys.filter((key) => !JOB_KEY.test(key)).map((key) => storable(key)),
      repository,
    ],
    'own write',
  )
  return rows[0] ?? null
}
