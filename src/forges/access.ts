// What a writer is allowed on a forge, by the names that GitHub has for it.
import type { WriteForge } from './forge.ts'

type Area = 'checks' | 'contents' | 'deployments' | 'issues' | 'members' | 'metadata' | 'pull_requests' | 'statuses'

/** What may be read or written; what is not named may not. */
export type Access = { [Name in Area]?: 'read' | 'write' } & { workflows?: 'write' }

/**
 * A forge that may do no more than `access`, in one repository; null where the forge has only one
 * token, which may do what it may. `close` ends it.
 */
export type LimitedForge = { forge: WriteForge; access: Access | null; close(): Promise<void> }
