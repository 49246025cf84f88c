// Secrets in what an agent wants written. A value of the service itself refuses the output: no
// agent has one by accident. What only looks like a token is taken out of what people read, because
// it may be somebody else's, and refuses names and files, in which nothing can be taken out.
import { GiveUp } from '../lib/error.ts'
import { redactText } from '../untrusted/redact-text.ts'
import { TOKEN_FORMS } from '../untrusted/secret-forms.ts'
import type { ValueFinder } from '../untrusted/value-finder.ts'
import { mapTexts } from './map-texts.ts'
import type { Output } from './output.ts'
import type { Policy } from './policy.ts'

// What people read. All else is names, addresses and files.
const PROSE = ['title', 'body', 'note', 'reply', 'message', 'commitMessage', 'summary', 'text', 'description']

type Found = { at: string; what: string; remedy: string }

/**
 * Refuses an output with a value that must not leave, or with a token where none belongs.
 * @throws GiveUp naming the field, never the secret.
 */
export function requireNoSecrets(output: Output, policy: Policy, isOwn: ValueFinder): void {
  const allowsTokens = 'changes' in output && policy.outputs?.[output.kind]?.allowTokens === true
  const found = foundIn(output, { isOwn, allowsTokens, kind: output.kind }, [])
  if (found === null) return
  throw new GiveUp(`Refused: the output's ${found.at} has ${found.what}; ${found.remedy}.`)
}

type Search = { isOwn: ValueFinder; allowsTokens: boolean; kind: Output['kind'] }

function foundIn(value: unknown, search: Search, path: readonly string[]): Found | null {
  if (typeof value === 'string') return foundInText(value, search, path)
  if (typeof value !== 'object' || value === null) return null
  for (const [name, part] of Object.entries(value)) {
    const found = foundIn(part, search, [...path, name])
    if (found !== null) return found
  }
  return null
}

function foundInText(text: string, { isOwn, allowsTokens, kind }: Search, path: readonly string[]): Found | null {
  const at = path.join('.')
  const name = path.at(-1) ?? ''
  const isFile = name === 'content' || name === 'base64'
  const shown = name === 'base64' ? Buffer.from(text, 'base64').toString('latin1') : text
  if (isOwn(text) || (shown !== text && isOwn(shown))) {
    return {
      at,
      what: 'a secret of this service',
      remedy: 'an agent must not have it, see isolation in docs/programs.md',
    }
  }
  if (PROSE.includes(name) || (isFile && allowsTokens)) return null
  const form = TOKEN_FORMS.find(({ pattern }) => shown.search(pattern) !== -1)
  if (form === undefined) return null
  const what = `what looks like a token of ${form.vendor}`
  const remedy = isFile
    ? `if it is an example, the rule's outputs.${kind}.allowTokens can allow it`
    : 'a name or an address must not have one'
  return { at, what, remedy }
}

/** The output without what has the form of a secret in what people read. */
export function redactedOutput(output: Output): Output {
  return mapTexts(output, (text, field) => (PROSE.includes(field) ? redactText(text) : text))
}
