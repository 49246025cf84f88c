// What changed between two configurations, parameter by parameter (pure).
import type { ConfigDiff } from '@signalbox/sdk'
import type { Json, JsonObject } from '../lib/json.ts'
import { isObject } from '../lib/json.ts'
import { isNamedSecret } from '../untrusted/redact.ts'

type Change = { path: string } & ({ old: Json; new: Json } | { old: Json } | { new: Json })

/**
 * How `after` differs from `before`. A top-level parameter is named by its key, one inside an
 * object by the dotted path to it (`model.temperature`); a dot or backslash that belongs to a key
 * is written `\.` or `\\`. Arrays are compared whole, and so is an object that names a secret
 * (`{"name": "x-api-key", "value": "…"}`): a path to its value alone would not say that it is one.
 */
export function configDiff(before: JsonObject, after: JsonObject): ConfigDiff {
  const changes = compareObjects(before, after, '')
  // Object.fromEntries defines own properties, where an assignment to `__proto__` would be lost.
  const pick = <T>(read: (change: Change) => T | undefined): Record<string, T> =>
    Object.fromEntries(
      changes.flatMap((change) => {
        const value = read(change)
        return value === undefined ? [] : [[change.path, value]]
      }),
    )
  return {
    added: pick((change) => ('new' in change && !('old' in change) ? change.new : undefined)),
    modified: pick((change) => ('new' in change && 'old' in change ? { old: change.old, new: change.new } : undefined)),
    removed: pick((change) => ('old' in change && !('new' in change) ? change.old : undefined)),
  }
}

function compareObjects(before: JsonObject, after: JsonObject, prefix: string): Change[] {
  const pathOf = (key: string): string => prefix + key.replace(/[\\.]/g, '\\$&')
  const gone = Object.keys(before)
    .filter((key) => !Object.hasOwn(after, key))
    .map((key): Change => ({ path: pathOf(key), old: before[key] ?? null }))
  const kept = Object.keys(after).flatMap((key): Change[] => {
    const value = after[key] ?? null
    if (!Object.hasOwn(before, key)) return [{ path: pathOf(key), new: value }]
    return compare(before[key] ?? null, value, pathOf(key))
  })
  return [...gone, ...kept]
}

function compare(before: Json, after: Json, path: string): Change[] {
  if (isJsonObject(before) && isJsonObject(after) && ![before, after].some(isNamedSecret)) {
    return compareObjects(before, after, `${path}.`)
  }
  return isEqual(before, after) ? [] : [{ path, old: before, new: after }]
}

function isEqual(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index] ?? null))
  }
  if (isJsonObject(a) && isJsonObject(b)) return compareObjects(a, b, '').length === 0
  return a === b
}

function isJsonObject(value: Json): value is JsonObject {
  return isObject(value)
}
