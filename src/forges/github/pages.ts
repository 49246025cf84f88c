// Lists in pages, with the address of the next and the last in the `Link` header.

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

/** The number of the last page, as the `Link` header of another names it; 1 without one. */
export function lastPage(link: string | undefined): number {
  const last = /<[^<>]*[?&]page=(\d+)[^<>]*>;\s*rel="last"/.exec(link ?? '')?.[1]
  return last === undefined ? 1 : Number(last)
}
