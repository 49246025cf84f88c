// The gaps of a server: when webhooks did not arrive, and what became of them.
import type { Page } from './api.ts'
import type { Gap, GapCheck, GapDetail, GapQuery, HookState, LevelCheck } from './api-gaps.ts'
import type { Transport } from './transport.ts'

/** What a client can ask of gaps. */
export type GapsClient = {
  list(query?: GapQuery): Promise<Page<Gap>>
  get(id: string): Promise<GapDetail>
  /** The webhooks that are looked at. */
  hooks(): Promise<Page<HookState>>
  /** Looks for about ten seconds; with `dryRun` nothing is recorded. */
  check(options?: { dryRun?: boolean | undefined }): Promise<GapCheck>
  /** What stands open without its job; with `fix` the jobs are made. */
  level(options?: { fix?: boolean | undefined }): Promise<LevelCheck>
}

/** These calls over a transport. */
export function gapsOf({ get, post }: Transport): GapsClient {
  return {
    list: (query) => get('api/gaps', query),
    get: (id) => get(`api/gaps/${encodeURIComponent(id)}`),
    hooks: () => get('api/gaps/hooks'),
    check: ({ dryRun = false } = {}) => post(`api/gaps/check?dry_run=${dryRun}`),
    level: ({ fix = false } = {}) => post(`api/gaps/level?fix=${fix}`),
  }
}
