// For how long everything is kept.
import type { Environment } from '../lib/environment.ts'

/**
 * What is deleted when it is old, in this order: deliveries and jobs go before the events they are
 * of.
 */
export const KINDS = ['bodies', 'logs', 'attempts', 'deliveries', 'jobs', 'refused', 'events', 'findings'] as const
export type Kind = (typeof KINDS)[number]

/**
 * A sender may send an event again, and it is known by its row: GitHub does so for three days. What
 * is deleted sooner would be done twice.
 */
export const MIN_EVENT_DAYS = 7

/**
 * Days for each kind, 0 for ever; and the bytes that the database may take, null without a limit.
 */
export type Limits = { days: Readonly<Record<Kind, number>>; maxBytes: number | null }

type Variables = Pick<Environment, 'RETENTION_DAYS' | 'RETENTION_MAX_GB' | `RETENTION_${Uppercase<Kind>}_DAYS`>

/** The limits that the environment sets. */
export function limitsOf(env: Variables): Limits {
  const of = (kind: Kind) => env[`RETENTION_${kind.toUpperCase() as Uppercase<Kind>}_DAYS`] ?? env.RETENTION_DAYS
  const days = Object.fromEntries(KINDS.map((kind) => [kind, of(kind)])) as Record<Kind, number>
  if (days.events > 0) days.events = Math.max(days.events, MIN_EVENT_DAYS)
  return { days, maxBytes: env.RETENTION_MAX_GB === undefined ? null : env.RETENTION_MAX_GB * 1e9 }
}
