// How often what a category finds is acted on: a category that is mostly dismissed mutes itself.
import { z } from 'zod'
import type { Sql } from '../db/database.ts'
import { AppError } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { CategoryPrecision } from './wire.ts'

// Ten dismissals by one careless or hostile writer must not let a secret through.
const SERIOUS = ['secret', 'private-key', 'ci-risk', 'hidden-text', 'symlink']

const options = z.strictObject({
  /** How many findings must be decided before a category can mute itself. Default 10. */
  decided: z.int().min(1).max(100_000).default(10),
  /** It does where a smaller share than this was accepted. Default 0.3. */
  accepted: z.number().min(0).max(1).default(0.3),
  /** Categories that are never muted. Default: those of secrets and of hidden or risky changes. */
  never: z.array(z.string()).readonly().default(SERIOUS),
})

/** As a configuration has it; `false`: never. */
export type MuteOptions = z.input<typeof options> | false

/** When categories mute themselves; null: never. */
export type Muting = z.infer<typeof options> | null

/** What counts when nothing is said. */
export const DEFAULT_MUTING: Muting = options.parse({})

/**
 * Checks when categories mute themselves.
 * @throws AppError `config_invalid` naming the field at fault.
 */
export function readMuting(given: MuteOptions | undefined): Muting {
  if (given === false) return null
  const { data, error } = options.safeParse(given ?? {}, PARSING)
  if (error) throw new AppError('config_invalid', describe(error, { root: 'mute', intro: 'mute:' }))
  return data
}

/**
 * What became of the findings of each category and repository, each finding counted once however
 * many pull requests it was in.
 */
export async function precisionOf(sql: Sql, muting: Muting, repository: string | null): Promise<CategoryPrecision[]> {
  const { rows } = await sql.query<Omit<CategoryPrecision, 'share' | 'muted'>>(
    `select repository, category, count(*) filter (where status = 'resolved')::integer as accepted,
       count(*) filter (where status = 'dismissed')::integer as dismissed,
       count(*) filter (where status = 'open')::integer as open
     from (
       select distinct on (repository, fingerprint) repository, category, status from signalbox.findings
       where $1::text is null or repository = $1
       order by repository, fingerprint, array_position(array['dismissed', 'resolved', 'open'], status)
     ) as each
     group by repository, category order by repository, category`,
    [repository],
  )
  return rows.map((row) => {
    const decided = row.accepted + row.dismissed
    const share = decided === 0 ? null : row.accepted / decided
    return { ...row, share, muted: isMuted(muting, { category: row.category, decided, share }) }
  })
}

function isMuted(
  muting: Muting,
  { category, decided, share }: { category: string; decided: number; share: number | null },
): boolean {
  if (muting === null || share === null || muting.never.includes(category)) return false
  return decided >= muting.decided && share < muting.accepted
}
