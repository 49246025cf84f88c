// The hidden marker: how a pull request or comment that the publisher wrote is recognised, because
// forges offer no idempotency key.

/**
 * What a pull request or comment says about itself: the keys of the outputs it contains, and for
 * pull requests their series and the order of the newest.
 */
export type Marker = { keys: string[]; series?: string | undefined; order?: number | undefined }

// No `<` or `>` inside: a value is encoded, and the search stays linear on a hostile text.
const MARKER = /<!-- signalbox:([^<>\n]*) -->/g
const OPENING = '<!-- signalbox:'

// The newest keys are kept; a marker must not grow until the body no longer fits.
const MAX_KEYS = 50
const MAX_KEYS_CHARS = 10_000

/** The marker as an HTML comment, which Markdown does not show. */
export function markerText({ keys, series, order }: Marker): string {
  const parts = newest(keys.map((key) => `key=${encodeValue(key)}`))
  if (series !== undefined) parts.push(`series=${encodeValue(series)}`)
  if (order !== undefined) parts.push(`order=${order}`)
  return `<!-- signalbox:${parts.join(' ')} -->`
}

function newest(parts: readonly string[]): string[] {
  const kept: string[] = []
  let chars = 0
  for (const part of parts.toReversed()) {
    chars += part.length
    if (kept.length === MAX_KEYS || chars > MAX_KEYS_CHARS) break
    kept.unshift(part)
  }
  return kept
}

/** The last marker of a text; null when there is none. */
export function readMarker(text: string): Marker | null {
  const last = [...text.matchAll(MARKER)].at(-1)
  return last === undefined ? null : toMarker(last[1] ?? '')
}

/** The keys in all markers of a text, which may have been copied together by hand. */
export function markedKeys(text: string): string[] {
  return [...text.matchAll(MARKER)].flatMap((match) => toMarker(match[1] ?? '').keys)
}

function toMarker(content: string): Marker {
  const pairs = content.split(' ').map((part) => part.split(/=(.*)/s))
  const values = (name: string) => pairs.filter(([key]) => key === name).map(([, value]) => decodeValue(value ?? ''))
  const order = Number.parseFloat(values('order')[0] ?? '')
  return { keys: values('key'), series: values('series')[0], order: Number.isFinite(order) ? order : undefined }
}

/**
 * The text with exactly this marker at its end, whatever markers it had before, and with `section`
 * above the marker; `limit` characters in all, to which only the text is cut.
 */
export function withMarker(text: string, marker: Marker, limit: number, section = ''): string {
  const end = `${section}\n\n${markerText(marker)}`
  // A marker within another's opening: taken out, it would leave one.
  const body = text.replace(MARKER, '').replaceAll(OPENING, '<!-- signalbox ').trimEnd()
  return cut(body, limit - end.length) + end
}

/** A value without spaces, quotes or angle brackets, readable where that is safe. */
export function encodeValue(value: string): string {
  return encodeURIComponent(value.toWellFormed()).replace(/%(3A|3D|2F|40)/g, decodeURIComponent)
}

/** The value that `encodeValue` made this of. */
export function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

const CUT_NOTE = '\n\n*(cut: too long)*'

function cut(text: string, limit: number): string {
  return text.length <= limit ? text : text.slice(0, limit - CUT_NOTE.length).toWellFormed() + CUT_NOTE
}
