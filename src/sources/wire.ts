// Sources on the wire: what the API answers, checked and described by one schema.
import { z } from 'zod'
import { time } from '../lib/wire.ts'
import type { Source } from './source.ts'

/** A source as lists show it: never with its secrets. */
export const sourceSummary = z
  .object({
    name: z.string(),
    path: z.string().meta({ description: 'Where its webhooks are posted.' }),
    status: z.enum(['open', 'closed']).meta({ description: 'A source without a secret is closed.' }),
    secrets: z.int().meta({ description: 'How many of them are live.' }),
    paused: z
      .object({ since: time, reason: z.string() })
      .nullable()
      .meta({ description: 'While it is paused, what follows from its events is held; null: it is not.' }),
  })
  .meta({ id: 'SourceSummary' })

/** A source as lists show it. */
export function sourceRow(
  { name, secrets }: Pick<Source, 'name' | 'secrets'>,
  paused?: { since: string; reason: string },
): z.infer<typeof sourceSummary> {
  return {
    name,
    path: `/webhook/${name}`,
    status: secrets.length > 0 ? 'open' : 'closed',
    secrets: secrets.length,
    paused: paused === undefined ? null : { since: paused.since, reason: paused.reason },
  }
}
