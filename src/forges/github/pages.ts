// Lists in pages.

/** GitHub's largest page. */
export const PAGE_SIZE = 100

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
