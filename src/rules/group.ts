// Groups of jobs, of which only so many run at a time: a group is named by a template over an
// event's facts.
import type { Facts } from '../events/facts.ts'
import { idFor } from '../lib/id.ts'

/** The facts a template may name. `labels` is a list, and not one of them. */
export const GROUP_FACTS = [
  'repository',
  'branch',
  'tag',
  'label',
  'action',
  'author',
  'sender',
  'environment',
  'app',
  'project',
  'sha',
  'number',
] as const satisfies readonly (keyof Facts)[]

/** The group is an index key, and PostgreSQL's may not exceed 2,704 bytes. */
const MAX_GROUP_CHARS = 500

/**
 * Fills in a template such as `deploy:{app}:{environment}`. Null, that is no group and no waiting,
 * when a fact it names is absent: jobs that merely share an absence have nothing in common. A very
 * long group becomes the id that stands for it.
 */
export function groupKey(template: string | undefined, facts: Facts): string | null {
  if (template === undefined) return null
  let missing = false
  const key = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = GROUP_FACTS.some((known) => known === name) ? facts[name as (typeof GROUP_FACTS)[number]] : undefined
    if (value === undefined) missing = true
    return String(value)
  })
  if (missing) return null
  return key.length > MAX_GROUP_CHARS ? idFor('group', key) : key
}
