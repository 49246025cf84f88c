// Lists in pages: https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api

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

/** The number of a list's last page, as a page's `Link` header names it; 1 when it is the only one. */
export function lastPage(link: string | undefined): number {
  const last = /<[^<>]*[?&]page=(\d+)[^<>]*>;\s*rel="last"/.exec(link ?? '')?.[1]
  return last === undefined ? 1 : Number(last)
}
