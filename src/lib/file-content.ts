// The content of a file as outputs have it, and as Git names it.
import { createHash } from 'node:crypto'

/** Text, or in base64 bytes that are not text. */
export type FileContent = string | { base64: string }

/** Its bytes. */
export function contentBytes(content: FileContent): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : Buffer.from(content.base64, 'base64')
}

/** How many bytes it has, which are not made for that. */
export function contentSize(content: FileContent): number {
  return typeof content === 'string' ? Buffer.byteLength(content) : Buffer.byteLength(content.base64, 'base64')
}

/** The id that Git gives it. */
export function blobId(content: FileContent): string {
  const bytes = contentBytes(content)
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}
