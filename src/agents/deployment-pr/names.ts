// Names of branches and files made from names of apps and environments, which may be anything.
import { createHash } from 'node:crypto'
import { fill, mapValues } from '../../descriptions/template.ts'
import { idInBranch } from '../../lib/deployment-key.ts'

function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0
  let kept = ''
  for (const char of text) {
    bytes += Buffer.byteLength(char)
    if (bytes > maxBytes) break
    kept += char
  }
  return kept
}

/**
 * A name as one part of a path or a branch, at most `maxBytes` bytes: letters of any script,
 * digits, `.`, `_` and `-` stay. When anything had to change, a short hash of the original follows,
 * so that different names stay different. Keeps to `git check-ref-format`: no leading dot or dash,
 * no `..`, no `.lock`, no dot at the end.
 */
export function safePart(name: string, maxBytes = 80): string {
  const wellFormed = name.toWellFormed().normalize('NFC')
  const safe = cutToBytes(wellFormed, maxBytes)
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^\p{L}\p{N}_]+|(?<![.-])[.-]+$/gu, '')
    .replace(/\.lock$/i, '-lock')
  if (safe === name && safe !== '') return safe
  const hash = createHash('sha256').update(wellFormed).digest('hex').slice(0, 8)
  return safe === '' ? hash : `${safe}-${hash}`
}

/** The branch of a deployment, whatever the app and all else that the template names is called. */
export function branchName(template: string, values: Record<string, string>): string {
  const parts = { ...values, deployment_id: idInBranch(values.deployment_id ?? '') }
  return fill(template, mapValues(parts, safePart))
}

/**
 * A text of at most `maxChars` characters; what is left out is replaced by a hash of the whole, so
 * that different texts stay different.
 */
export function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const hash = createHash('sha256').update(text.toWellFormed()).digest('hex').slice(0, 16)
  return `${text.slice(0, maxChars - hash.length - 1).toWellFormed()}-${hash}`
}
