// What Agenta's event `environments.revisions.committed` says: which applications were put into an
// environment. Pure.
import { z } from 'zod'

const reference = z.object({
  id: z.string().nullish(),
  slug: z.string().nullish(),
  version: z.union([z.string(), z.int().transform(String)]).nullish(),
})
const references = z.object({
  application: reference.nullish(),
  application_variant: reference.nullish(),
  application_revision: reference.nullish(),
})
const event = z.object({
  event: z.object({
    event_id: z.string(),
    attributes: z.object({
      user_id: z.string().nullish(),
      message: z.string().nullish(),
      references: z.object({ environment: reference, environment_revision: reference.nullish() }),
      diff: z.object({
        created: z.record(z.string(), z.object({ new: references })).nullish(),
        updated: z.record(z.string(), z.object({ new: references })).nullish(),
        deleted: z.record(z.string(), z.unknown()).nullish(),
      }),
    }),
  }),
  scope: z.object({ project_id: z.string() }),
})

/** An entity of Agenta, by what an event has of it. */
export type Reference = z.infer<typeof reference>

/** One application that a commit put into its environment, under a key such as `bot.revision`. */
export type Change = { key: string; application: Reference; variant: Reference; revision: Reference }

/** A commit of an environment. */
export type Committed = {
  eventId: string
  projectId: string
  environment: Reference
  /** Which commit of the environment it is. */
  version: string | null
  by: string | null
  message: string | null
  changes: Change[]
  /** The keys it took out of the environment. */
  removed: string[]
}

/** Reads the body of the event; null when it is none. */
export function readCommitted(body: unknown): Committed | null {
  const { data } = event.safeParse(body)
  if (data === undefined) return null
  const { event_id: eventId, attributes } = data.event
  const { created, updated, deleted } = attributes.diff
  return {
    eventId,
    projectId: data.scope.project_id,
    environment: attributes.references.environment,
    version: attributes.references.environment_revision?.version ?? null,
    by: attributes.user_id ?? null,
    message: attributes.message ?? null,
    changes: [...Object.entries(created ?? {}), ...Object.entries(updated ?? {})].map(([key, { new: after }]) => ({
      key,
      application: after.application ?? {},
      variant: after.application_variant ?? {},
      revision: after.application_revision ?? {},
    })),
    removed: Object.keys(deleted ?? {}),
  }
}
