// Reading a request's raw bytes, never more than the cap.
import type { IncomingMessage } from 'node:http'
import { AppError } from '../lib/error.ts'

/**
 * GitHub's own cap on a webhook's payload
 * (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap).
 */
const MAX_BODY_BYTES = 25 * 1024 * 1024

// All bodies together, while they are read and until they are recorded: without a limit, a few
// dozen connections would take all memory, and no signature is needed for that. A small body always
// gets in, so that large ones cannot lock webhooks out.
const MAX_BUFFERED_BYTES = 256 * 1024 * 1024
const SMALL_BODY_BYTES = 1024 * 1024
const RETRY_AFTER_SECONDS = 10

function tooLarge() {
  return new AppError('body_too_large', undefined, { headers: { connection: 'close' } })
}
function tooMany() {
  return new AppError('rate_limited', 'Too many large requests at once.', {
    headers: { 'retry-after': `${RETRY_AFTER_SECONDS}`, connection: 'close' },
  })
}
function endedEarly() {
  return new AppError('body_invalid', 'The connection ended before the body did.')
}

const ENCODINGS = ['', 'identity']

let bufferedBytes = 0

/**
 * Reads the whole body of a Node request and counts it as buffered until `use` is done with it. It
 * stops reading at the first byte over the cap, so memory stays flat.
 * @throws AppError `body_too_large`, `rate_limited`, `content_type_unsupported`, `body_invalid`
 * (the connection ended early)
 */
export async function withBody<T>(incoming: IncomingMessage, use: (body: Buffer) => Promise<T> | T): Promise<T> {
  if (!ENCODINGS.includes(incoming.headers['content-encoding'] ?? '')) {
    throw new AppError('content_type_unsupported', 'Content-Encoding is not supported: send the body as it is.')
  }
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  let bytes = 0
  const refusalOf = (chunk: Buffer): AppError | null => {
    bytes += chunk.byteLength
    bufferedBytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) return tooLarge()
    return bytes > SMALL_BODY_BYTES && bufferedBytes > MAX_BUFFERED_BYTES ? tooMany() : null
  }
  try {
    return await use(await readChunks(incoming, refusalOf))
  } finally {
    bufferedBytes -= bytes
  }
}

function readChunks(incoming: IncomingMessage, refusalOf: (chunk: Buffer) => AppError | null): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const take = (chunk: Buffer): void => {
      const refusal = refusalOf(chunk)
      if (refusal === null) {
        chunks.push(chunk)
        return
      }
      chunks.length = 0
      incoming.off('data', take).pause()
      reject(refusal)
    }
    incoming.on('data', take)
    incoming.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    incoming.on('error', () => reject(endedEarly()))
    incoming.on('aborted', () => reject(endedEarly()))
  })
}
