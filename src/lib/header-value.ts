// What can be sent in a header as it is.

/** Whether a credential can be a header's value; an error about one that cannot would quote it. */
export function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}
