// How wide a text is shown: one of Chinese or an emoji takes two columns, an accent of its own
// none.
import { createRequire } from 'node:module'

// Characters of one column each, none of which is joined to another.
const PLAIN = /^[\x20-\x7e\xa1-\xac\xae-\u024f…]*$/

const require = createRequire(import.meta.url)

/** The columns that a text takes. */
export function columnsOf(text: string): number {
  return PLAIN.test(text) ? text.length : ofAnyText().stringWidth(text)
}

/** A text of at most `width` columns, ending in … when something is missing. */
export function cut(text: string, width: number): string {
  if (!PLAIN.test(text)) return ofAnyText().cliTruncate(text, width)
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}${width > 0 ? '…' : ''}`
}

/** Loaded when a text needs it: what it knows of emoji takes as long as Node.js itself. */
function ofAnyText() {
  const { default: stringWidth } = require('string-width') as typeof import('string-width')
  const { default: cliTruncate } = require('cli-truncate') as typeof import('cli-truncate')
  return { stringWidth, cliTruncate }
}
