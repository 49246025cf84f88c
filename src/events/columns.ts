// The columns of an event as the rest of the program knows it, of the table as `e`.

/** The raw bytes of an event, packed or not: byte for byte as they came. */
export const BODY = 'coalesce(e.body, e.packed)'

/** Selects an `Event`. */
export const EVENT_COLUMNS = `e.id, e.source, e.delivery_id as "deliveryId", e.type, e.status, e.reason, e.subject,
  e.actor, e.facts, ${BODY} as body, e.payload, e.content_type as "contentType", e.headers, e.depth,
  e.received_at as "receivedAt"`
