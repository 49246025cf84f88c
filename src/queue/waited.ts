// How long rows were due when they were claimed, in SQL: by the database's clock alone.

/**
 * The column, of a claim whose expressions `picked` (the rows as they were) and `claimed` are.
 * Looked up in arrays, because a join of the two would compare all with all.
 */
export const WAITED_MS = `extract(epoch from attempt_started_at
    - was_due.at[array_position(was_due.ids, claimed.id)])::float8 * 1000 as waited_ms`

/** What it is looked up in: an item of FROM. */
export const WAS_DUE = '(select array_agg(id) as ids, array_agg(available_at) as at from picked) as was_due'
