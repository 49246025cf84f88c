// What changed between two configurations, parameter by parameter (pure).
import type { ConfigDiff, Json } from '@signalbox/sdk'

/** A JSON object. Its keys are data: `__proto__` is a key like any other. */
export type JsonObject = { [key: string]: Json }

type Change = { path: string } & ({ old: Json; new: Json } | { old: Json } | { new: Json })

/**
 * How `after` differs from `before`. A top-level parameter is named by its key, one inside an
 * object by the dotted path to it (`model.temperature`); a dot or backslash that belongs to a key
 * is written `\.` or `\\`. Arrays are compared whole.
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

/**
 * The configuration that `diff` leads to from `before`.
 * @throws RangeError when the diff was not made from `before`.
 */
export function applyDiff(diff: ConfigDiff, before: JsonObject): JsonObject {
  const after = copy(before) as JsonObject
  for (const path of Object.keys(diff.removed)) {
    const { parent, key } = find(after, path)
    delete parent[key]
  }
  for (const [path, change] of Object.entries(diff.modified)) put(after, path, change.new)
  for (const [path, value] of Object.entries(diff.added)) put(after, path, value)
  return after
}

/** The keys a path of a diff leads through: `['model', 'top.p']` for `model.top\.p`. */
export function pathKeys(path: string): string[] {
  // With a dot in front of every key, an empty key is a dot of its own.
  return (`.${path}`.match(/\.(?:[^\\.]|\\.)*/gs) ?? []).map((step) => step.slice(1).replace(/\\(.)/gs, '$1'))
}

/** Whether a JSON value is an object, not an array and not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function compareObjects(before: JsonObject, after: JsonObject, prefix: string): Change[] {
  const pathOf = (key: string): string => prefix + key.replace(/[\\.]/g, '\\$&')
  const gone = Object.keys(before)
    .filter((key) => !Object.hasOwn(after, key))
    .map((key): Change => ({ path: pathOf(key), old: before[key] ?? null }))
  const kept = Object.keys(after).flatMap((key): Change[] => {
    const now = after[key] ?? null
    if (!Object.hasOwn(before, key)) return [{ path: pathOf(key), new: now }]
    return compare(before[key] ?? null, now, pathOf(key))
  })
  return [...gone, ...kept]
}

function compare(before: Json, after: Json, path: string): Change[] {
  if (isJsonObject(before) && isJsonObject(after)) return compareObjects(before, after, `${path}.`)
  return isEqual(before, after) ? [] : [{ path, old: before, new: after }]
}

function isEqual(a: Json, b: Json): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index] ?? null))
  }
  if (isJsonObject(a) && isJsonObject(b)) return compareObjects(a, b, '').length === 0
  return a === b
}

function copy(value: Json): Json {
  if (Array.isArray(value)) return value.map(copy)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, copy(member)]))
}

function find(root: JsonObject, path: string): { parent: JsonObject; key: string } {
  const keys = pathKeys(path)
  const key = keys.pop() ?? ''
  let parent = root
  for (const step of keys) {
    const next = Object.hasOwn(parent, step) ? parent[step] : undefined
    if (!isJsonObject(next)) throw new RangeError(`the diff does not fit: there is no object on the way to "${path}"`)
    parent = next
  }
  return { parent, key }
}

function put(root: JsonObject, path: string, value: Json): void {
  const { parent, key } = find(root, path)
  Object.defineProperty(parent, key, { value: copy(value), enumerable: true, configurable: true, writable: true })
}
