// The short form of an id.

/**
 * The end of an id, which tells it apart where the whole is too long: ids of one minute
 * begin alike. Wherever an id is asked for, this is taken too.
 */
export function shortId(id: string): string {
  return id.slice(-8)
}
