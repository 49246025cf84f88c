// Times as the wire has them.

/**
 * SQL for a column's time in ISO 8601, UTC and milliseconds: the text that `toISOString()` returns
 * for it. Null stays null.
 */
export function isoTime(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
}
