// Reading a request's raw bytes, never more than the cap.
import type { IncomingMessage } from 'node:http'
import { AppError } from '../lib/error.ts'

/** GitHub's own cap on a webhook's payload (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap). */
export const MAX_BODY_BYTES = 25 * 1024 * 1024

const tooLarge = () => new AppError('body_too_large', undefined, { headers: { connection: 'close' } })

const ENCODINGS = ['', 'identity']

/** The whole body of a Node request. It stops reading at the first byte over the cap, so memory stays flat. @throws AppError `body_too_large`, `content_type_unsupported`, `body_invalid` (the connection ended early) */
export const readBody = (incoming: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> => {
  if (!ENCODINGS.includes(incoming.headers['content-encoding'] ?? '')) {
    throw new AppError('content_type_unsupported', 'Content-Encoding is not supported: send the body as it is.')
  }
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) throw tooLarge()
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes <= maxBytes) chunks.push(chunk)
      else {
        chunks.length = 0
        incoming.pause()
        reject(tooLarge())
      }
    })
    incoming.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    incoming.on('error', () => reject(new AppError('body_invalid', 'The connection ended before the body did.')))
    incoming.on('aborted', () => reject(new AppError('body_invalid', 'The connection ended before the body did.')))
  })
}
