// Finds the secrets of a difference whose name stands at another path: `header.value`, which
// `header.name` says is an API key.

import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { isObject } from '../../lib/json.ts'
import { isNamingKey, isValueKey, labelOf, redact } from '../../untrusted/redact.ts'

type LabelAt = (steps: readonly string[]) => string

// As deep as values are read.
const MAX_STEPS = 100

/**
 * The difference without the secrets that are named at another path; each of these is also given to
 * `found`, under its name.
 */
export function withoutNamedSecrets(
  { config, config_diff: diff }: DeploymentEvent['data'],
  found: (secret: Record<string, unknown>) => void,
): unknown {
  if (!isObject(diff)) return diff
  const labelAt = labelsOf(diff, config)
  return mapValues(diff, (_, changes) => {
    if (!isObject(changes)) return changes
    return mapValues(changes, (path, change) => {
      const name = nameOf(path, labelAt)
      if (name === '') return change
      found({ [name]: change })
      return redact(change, name)
    })
  })
}

/** The names of what stands at a path, as a dotted path of them. */
function nameOf(path: string, labelAt: LabelAt): string {
  const steps = stepsOf(path)
  return steps.flatMap((step, at) => (isValueKey(step) ? [labelAt(steps.slice(0, at))] : [])).join('.')
}

/** The labels of the object at a path: those it has, and those that came or went. */
function labelsOf(diff: Record<string, unknown>, config: unknown): LabelAt {
  const labels = new Map<string, string>()
  const add = (at: string, label: string) => labels.set(at, `${labels.get(at) ?? ''}.${label}`)
  for (const [path, change] of Object.values(diff).flatMap((part) => (isObject(part) ? Object.entries(part) : []))) {
    const steps = stepsOf(path)
    if (!isNamingKey(steps.pop() ?? '')) continue
    for (const text of textsOf(change)) add(steps.join('.'), text)
  }
  const read = new Set<string>()
  return (steps) => {
    const at = steps.join('.')
    if (!read.has(at)) add(at, labelIn(config, steps))
    read.add(at)
    return labels.get(at) ?? ''
  }
}

function labelIn(config: unknown, steps: readonly string[]): string {
  const object = steps.reduce<unknown>((parent, step) => {
    const key = step.replace(/\\([\\.])/g, '$1')
    return isObject(parent) && Object.hasOwn(parent, key) ? parent[key] : null
  }, config)
  return isObject(object) ? labelOf(object) : ''
}

function textsOf(change: unknown): string[] {
  const sides = isObject(change) ? Object.values(change) : [change].flat()
  return sides.filter((side) => typeof side === 'string')
}

function stepsOf(path: string): string[] {
  return path.split(/(?<!\\)\./, MAX_STEPS)
}

function mapValues(object: Record<string, unknown>, map: (key: string, value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(key, value)]))
}
