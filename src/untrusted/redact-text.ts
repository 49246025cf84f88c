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
      rest.replace(pattern, (whole, before: string, offset: number, text: string) => {
        if (isWorkingFolder(whole, offset, text)) return whole
        found?.(whole.slice(before.length))
        return before + REDACTED
      }),
    withoutTokens,
  )
}

// `PWD=/home/jane/shop`, as shells, `env` and `export -p` print it.
const WORKING_FOLDER = /^PWD=["']?\/(?:[a-z]{0,40}|[\w.@+-]{1,255}(?:\/[\w.@+-]{1,255}){1,50})$/
const LINE_START = /(?:^|\n)(?:export |declare -x )?$/
const MAX_START_CHARS = '\ndeclare -x '.length

/**
 * Whether it is the variable of a shell with the folder it is in. In the middle of a line, such as
 * a connection string, PWD is a password.
 */
function isWorkingFolder(found: string, offset: number, text: string): boolean {
  if (!WORKING_FOLDER.test(found)) return false
  return LINE_START.test(text.slice(Math.max(0, offset - MAX_START_CHARS), offset))
}
