// Groups of jobs, of which only so many run at a time: a group is named by a template over an
// event's facts and the job's input.
import type { Facts } from '../events/facts.ts'
import { idFor } from '../lib/id.ts'
import { isObject } from '../lib/json.ts'

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

/** What comes before the name of a field of the job's input. */
export const INPUT = 'input.'

/** The group is an index key, and PostgreSQL's may not exceed 2,704 bytes. */
const MAX_GROUP_CHARS = 500

/**
 * Fills in a template such as `deploy:{app}:{input.environment}`. Null, that is no group and no
 * waiting, when what it names is absent: jobs that merely share an absence have nothing in common.
 * A very long group becomes the id that stands for it.
 */
export function groupKey(template: string | undefined, facts: Facts, input: unknown = {}): string | null {
  if (template === undefined) return null
  let missing = false
  const key = template.replace(/\{(input\.)?([\w-]+)\}/g, (_, ofInput: string | undefined, name: string) => {
    const value = ofInput === undefined ? factOf(facts, name) : fieldOf(input, name)
    if (value === undefined) missing = true
    return String(value)
  })
  if (missing) return null
  return key.length > MAX_GROUP_CHARS ? idFor('group', key) : key
}

/** The fields of the input that a template names. */
export function inputNames(template: string): string[] {
  return [...template.matchAll(/\{input\.([\w-]+)\}/g)].map(([, name = '']) => name)
}

function factOf(facts: Facts, name: string): string | number | undefined {
  return GROUP_FACTS.some((known) => known === name) ? facts[name as (typeof GROUP_FACTS)[number]] : undefined
}

/** A field of another type names no group. */
function fieldOf(input: unknown, name: string): string | number | undefined {
  const value = isObject(input) && Object.hasOwn(input, name) ? input[name] : undefined
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
