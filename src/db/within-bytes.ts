// Reading events by id, and no more of their bodies than fit in memory.

// PostgreSQL knows the length of a long value without reading it. A payload of its own is about as
// long as the body it was made from.
const EVENT_BYTES =
  'coalesce(octet_length(e.body), octet_length(e.packed), 0) * (case when e.payload is null then 1 else 2 end)'

/** What such a statement returns besides its columns. */
export type WithinBytes = { askedId: string; place: number; bytes: number; total: number }

/**
 * The statement that reads `columns` for each of the ids $1, in their order, as long as the events
 * `e` among the joins come to at most $2 bytes; with $3, the first one whatever its size. Events of
 * at most `small` bytes count as none, and are read whatever the others come to. A row has its id
 * as `askedId`, also where nothing was found for it.
 */
export function selectWithinBytes(columns: string, joins: string, small = '0'): string {
  return `
select * from (
  select sized.*, sum(bytes) over (order by place) as total from (
    select asked.id as "askedId", asked.place, ${columns},
      case when ${EVENT_BYTES} > ${small} then ${EVENT_BYTES} else 0 end as bytes
    from unnest($1::uuid[]) with ordinality as asked (id, place) ${joins}
  ) as sized
) as summed
where total <= $2::bigint or bytes = 0 or ($3::boolean and place = 1)
order by place`
}
