// Reading events by id, and no more of their bodies than fit in memory.

// PostgreSQL knows the length of a long value without reading it. A payload of its own is about as
// long as the body it was made from.
const EVENT_BYTES = 'coalesce(octet_length(e.body), 0) * (case when e.payload is null then 1 else 2 end)'

/** What such a statement returns besides its columns. */
export type WithinBytes = { askedId: string; place: number; bytes: number; total: number }

/**
 * The statement that reads `columns` for each of the ids $1, in their order, as long as the events
 * `e` among the joins come to at most $2 bytes; with $3, the first one whatever its size. A row
 * has its id as `askedId`, also where nothing was found for it.
 */
export function selectWithinBytes(columns: string, joins: string): string {
  return `
select * from (
  select asked.id as "askedId", asked.place, ${columns},
    ${EVENT_BYTES} as bytes, sum(${EVENT_BYTES}) over (order by asked.place) as total
  from unnest($1::uuid[]) with ordinality as asked (id, place) ${joins}
) as sized
where total <= $2::bigint or ($3::boolean and place = 1)
order by place`
}
