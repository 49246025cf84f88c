// Takes what has the form of a secret out of a text: tokens by their looks, passwords by what
// stands before them.
import { SECRETS_AFTER_NAMES, TOKEN_FORMS } from './secret-forms.ts'

/** What stands in a secret's place. */
export const REDACTED = '[redacted]'

// `pwd=abc`.
const MIN_CHARS = 7

/**
 * The text without what has the form of a token, key or password; each of these is also given to
 * `found`.
 */
export function redactText(text: string, found?: (secret: string) => void): string {
  if (text.length < MIN_CHARS) return text
  const withoutTokens = TOKEN_FORMS.reduce(
    (rest, { pattern }) =>
      rest.replace(pattern, (token) => {
        found?.(token)
        return REDACTED
      }),
    text,
  )
  return SECRETS_AFTER_NAMES.reduce(
    (rest, pattern) =>
      rest.replace(pattern, (whole, before: string) => {
        found?.(whole.slice(before.length))
        return before + REDACTED
      }),
    withoutTokens,
  )
}
