// Reading request headers: present, bounded, and of a content type that can be read.
import { AppError } from '../lib/error.ts'
import type { HeaderReader } from './source.ts'

/**
 * The header's value.
 * @throws AppError `header_missing`, naming it, when it is absent or empty.
 */
export function requireHeader(headers: HeaderReader, name: string): string {
  const value = headers.get(name)
  if (value === null || value === '') throw new AppError('header_missing', `${name}: the header is missing or empty.`)
  return value
}

/**
 * The header's value if it fits the pattern, which also bounds its length. A repeated header has a
 * comma in it and fits none of the patterns in use.
 * @throws AppError `header_missing` or `header_invalid`, naming it.
 */
export function requireHeaderLike(headers: HeaderReader, name: string, pattern: RegExp): string {
  const value = requireHeader(headers, name)
  if (!pattern.test(value)) throw new AppError('header_invalid', `${name}: the header is malformed.`)
  return value
}

/**
 * The media type in lower case without its parameters.
 * @throws AppError `content_type_unsupported` unless it is one of `supported` and in UTF-8.
 */
export function requireContentType(headers: HeaderReader, supported: readonly string[]): string {
  const value = headers.get('content-type')
  // The two spellings that nearly every request has.
  if (value === 'application/json' || value === 'application/json; charset=utf-8') return 'application/json'
  const [mediaType = '', ...parameters] = (value ?? '').toLowerCase().split(';')
  const type = mediaType.trim()
  if (!supported.includes(type)) {
    throw new AppError(
      'content_type_unsupported',
      `The content type must be ${supported.join(' or ')}${type ? `, not ${shown(type)}` : ''}.`,
    )
  }
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='))
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new AppError('content_type_unsupported', `The body must be UTF-8, not ${shown(charset)}.`)
  }
  return type
}

/** Untrusted text, made fit for an error text. */
function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)
}
