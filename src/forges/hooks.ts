// What a forge keeps of the webhooks that it sent: every attempt, and what was in it.

/**
 * A webhook by its path in the forge's API, which is also its name here: `app/hook`,
 * `repos/acme/shop/hooks/42` or `orgs/acme/hooks/7`.
 */
export type HookPath = string

/** One attempt to deliver a webhook. A redelivery is another one, under the same `guid`. */
export type HookAttempt = {
  id: string
  guid: string
  at: Date
  /** What the receiver answered; 0 or an error of the forge's own where nothing came. */
  status: number
  /** The event's name and its action: `issues.labeled`. */
  event: string
}

/** What was sent in an attempt. */
export type SentHook = {
  /** Where to. */
  url: string | null
  headers: Readonly<Record<string, string>>
  /** The event, as JSON; null where the forge did not keep it. */
  payload: string | null
}

/** The webhooks that post to an address, and why there may be more or none. */
export type FoundHooks = { hooks: HookPath[]; problems: HookProblem[] }

/** What keeps a webhook from being found or read: `place` is where, as in a `HookPath`. */
export type HookProblem = { place: string; problem: string }

/** The webhooks of a forge that keeps what it sent. */
export type HookForge = {
  /** For how long attempts are kept. */
  keptMs: number
  /** Looks for the webhooks of these repositories that post to the address. */
  find(address: string, repositories: readonly string[]): Promise<FoundHooks>
  /**
   * Attempts, newest first, page by page, to the first page with none after `since`.
   * @throws RetryAt when the forge cannot be asked now, AppError `forge_failed` when it refuses.
   */
  attempts(hook: HookPath, since: Date): AsyncIterable<readonly HookAttempt[]>
  /** What was sent; null when that is not kept any more. */
  sent(hook: HookPath, id: string): Promise<SentHook | null>
}

/** Something on a forge as it stands now, with what its webhooks have besides, as JSON. */
export type Standing = Readonly<Record<string, unknown>>

/** What stands open on a forge, in the form that its webhooks have. */
export type OpenForge = {
  /** Open pull requests, those changed last first, back to a time. */
  pullRequests(repository: string, since: Date): Promise<Standing[]>
  /** Open issues with a label, the same way; no pull requests. */
  issues(repository: string, since: Date): Promise<Standing[]>
  /** The repository itself. */
  repository(repository: string): Promise<Standing>
  /** Who gave an issue a label that it has; null where the forge does not say. */
  labelledBy(repository: string, issue: number, label: string): Promise<Standing | null>
}
