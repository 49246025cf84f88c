// What an event shows of who wrote what it reports: read from the signed body, not stored.

/** What might show that this program wrote something itself. */
export type Trace = {
  /** The keys in the hidden markers of the text, or in the last lines of a commit. */
  keys: readonly string[]
  /**
   * Whether there is a text or commit that could have a key: without one it is somebody else's,
   * even if the account is the same. What has no text, such as a label, is known by its account.
   */
  hasText: boolean
  /**
   * What an output would name, where people often do the same by hand: the label that was added or
   * removed, or the branch that was pushed to.
   */
  named?: { label: string } | { branch: string }
}
