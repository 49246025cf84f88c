// Texts that are too long.

/** The text, or its beginning and an ellipsis in `maxChars`; no surrogate pair is split. */
export function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text
  const end = Math.max(maxChars - 1, 0)
  return `${text.slice(0, splitsPair(text, end) ? end - 1 : end)}…`
}

function splitsPair(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(at - 1, 0), at + 1))
}
