// Whether a file in a repository has the configuration that was deployed (pure).
import type { ConfigDiff } from '@signalbox/sdk'
import { configDiff } from '../../descriptions/config-diff.ts'
import { blobId } from '../../lib/file-content.ts'
import type { JsonObject } from '../../lib/json.ts'
import { canonicalSha256, isObject } from '../../lib/json.ts'
import { redactor } from '../../untrusted/redact.ts'

// As deep as the configuration of a deployment may be, in its file.
const MAX_DEPTH = 65

/** How a file differs; `diff` is from what was deployed to the file, without secrets. */
export type Difference = {
  file: 'changed' | 'missing' | 'unreadable'
  /** SHA-256 of the canonical configuration in the file; null where it has none. */
  sha256: string | null
  blob: string | null
  diff: ConfigDiff
}

/** What a comparison came to; `unknown` where what was written has no configuration. */
export type Comparison = 'same' | 'unknown' | Difference

/**
 * Compares the file that documents a deployment with the one that is there, or null. Only the
 * configurations count, as values: neither the order of keys nor white space is a difference.
 */
export function compareFiles(written: string, there: string | null): Comparison {
  const deployed = configIn(written)
  if (deployed === null) return 'unknown'
  const found = there === null ? null : configIn(there)
  if (found !== null && canonicalSha256(found) === canonicalSha256(deployed)) return 'same'
  const diff = redactor([deployed, found]).value(configDiff(deployed, found ?? {})) as ConfigDiff
  const kind = there === null ? 'missing' : found === null ? 'unreadable' : 'changed'
  return {
    file: kind,
    sha256: found === null ? null : canonicalSha256(found),
    blob: there === null ? null : blobId(there),
    diff: kind === 'changed' ? diff : { added: {}, modified: {}, removed: {} },
  }
}

/** The configuration in a file of a deployment; null where there is none. */
function configIn(content: string): JsonObject | null {
  try {
    const file: unknown = JSON.parse(content)
    const config = isObject(file) ? file.config : null
    return isObject(config) && depthOf(config) <= MAX_DEPTH ? (config as JsonObject) : null
  } catch {
    return null
  }
}

/** How deep a value is, at most one more than is allowed. A loop, because it may be any depth. */
function depthOf(value: unknown): number {
  const left = [{ value, depth: 1 }]
  let deepest = 0
  for (let next = left.pop(); next !== undefined && deepest <= MAX_DEPTH; next = left.pop()) {
    const { value: each, depth } = next
    deepest = Math.max(deepest, depth)
    if (typeof each !== 'object' || each === null) continue
    for (const member of Object.values(each)) left.push({ value: member, depth: depth + 1 })
  }
  return deepest
}
