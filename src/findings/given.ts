// The findings of an agent that runs without a service: those it was given.
import type { Found, LastReview, Ledger, StoredFinding } from './finding.ts'

/** What reviews before have left; nothing by default. */
export type GivenFindings = {
  of?: readonly StoredFinding[]
  /** Fingerprints that somebody has dismissed in the repository. */
  dismissed?: readonly string[]
  /** Categories that are not shown. */
  muted?: readonly string[]
  /** The last review. */
  last?: LastReview
  /** What the last review read, by key, and what it found in it. */
  reviewed?: Readonly<Record<string, Found[]>>
}

/** What an agent may ask, over what was given. */
export function givenLedger({ of = [], dismissed = [], muted = [], last, reviewed = {} }: GivenFindings = {}): Ledger {
  return {
    of: async () => [...of],
    dismissed: async (_, fingerprints) => fingerprints.filter((each) => dismissed.includes(each)),
    muted: async () => [...muted],
    last: async () => last ?? null,
    reviewed: async () => ({ ...reviewed }),
  }
}
