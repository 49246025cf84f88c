// Names of labels and accounts.

/** What of the names is not there yet; the case of a name does not count. */
export function missing(wanted: readonly string[], there: readonly string[]): string[] {
  const present = new Set(there.map((name) => name.toLowerCase()))
  return wanted.filter((name) => !present.has(name.toLowerCase()))
}
