// Lists in pages.

/** GitHub's largest page. */
export const PAGE_SIZE = 100

// GitHub's clock may differ from the one that a time was read from.
const CLOCK_MARGIN_MS = 60 * 60_000

/** An hour before `since`, for a list of what is newer. */
export function beforeMargin(since: Date): string {
  return new Date(since.getTime() - CLOCK_MARGIN_MS).toISOString()
}

/** For `octokit.paginate`: maps each page's data, and stops after `maxPages`. */
export function firstPages<Data, Item>(
  maxPages: number,
  itemsOf: (data: Data) => Item[],
): (response: { data: Data }, done: () => void) => Item[] {
  let pages = 0
  return ({ data }, done) => {
    pages += 1
    if (pages >= maxPages) done()
    return itemsOf(data)
  }
}
