// Reading a request's raw bytes, never more than the cap, into one growing buffer.
import type { IncomingMessage } from 'node:http'
import { AppError } from '../lib/error.ts'
import { finish, hold, holdNothing, letGo } from './body-memory.ts'

/**
 * GitHub's own cap on a webhook's payload
 * (https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap).
 */
const MAX_BODY_BYTES = 25 * 1024 * 1024
const FIRST_BUFFER_BYTES = 16 * 1024
// Each piece takes time whatever its size. An honest sender's are hundreds of bytes or more, but a
// short body may come in any.
const FREE_PIECES = 10_000
const BYTES_PER_PIECE = 64
const RETRY_AFTER_SECONDS = 10
const EMPTY = new ArrayBuffer(0)

function tooLarge() {
  return new AppError('body_too_large', undefined, { headers: { connection: 'close' } })
}
function tooMany() {
  return new AppError('rate_limited', 'Too many large requests at once.', {
    headers: { 'retry-after': `${RETRY_AFTER_SECONDS}`, connection: 'close' },
  })
}
function tooManyPieces() {
  return new AppError('body_invalid', 'The body came in too many small pieces.', { headers: { connection: 'close' } })
}
function endedEarly() {
  return new AppError('body_invalid', 'The connection ended before the body did.')
}

const ENCODINGS = ['', 'identity']

/**
 * Reads the whole body of a Node request and counts its memory until `use` is done with it. It
 * stops reading at the first byte over the cap, so memory stays flat.
 * @throws AppError `body_too_large`, `rate_limited`, `content_type_unsupported`, `body_invalid`
 * (the connection ended early, or the body came in tiny pieces)
 */
export async function withBody<T>(incoming: IncomingMessage, use: (body: Buffer) => Promise<T> | T): Promise<T> {
  if (!ENCODINGS.includes(incoming.headers['content-encoding'] ?? '')) {
    throw new AppError('content_type_unsupported', 'Content-Encoding is not supported: send the body as it is.')
  }
  const announced = Number(incoming.headers['content-length'] ?? MAX_BODY_BYTES)
  if (announced > MAX_BODY_BYTES) throw tooLarge()
  const held = holdNothing()
  try {
    return await use(await readBody(incoming, held, announced))
  } finally {
    letGo(held)
  }
}

function refusalOf(pieces: number, bytes: number): AppError | null {
  if (bytes > MAX_BODY_BYTES) return tooLarge()
  return pieces > FREE_PIECES + bytes / BYTES_PER_PIECE ? tooManyPieces() : null
}

function readBody(incoming: IncomingMessage, held: ReturnType<typeof holdNothing>, announced: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let whole: Buffer | undefined
    let storage = EMPTY
    let length = 0
    let pieces = 0
    let isOver = false
    const refuse = (error: AppError): void => {
      if (isOver) return
      isOver = true
      incoming.off('data', take).pause()
      letGo(held)
      // Given back at once, and not when it is collected.
      if (storage !== EMPTY) storage.transfer(0)
      storage = EMPTY
      reject(error)
    }
    /** Makes the buffer larger; false where there is no space. */
    const grow = (needed: number): boolean => {
      const bytes = Math.min(Math.max(needed, storage.byteLength * 2, FIRST_BUFFER_BYTES), announced)
      if (!hold(held, bytes, () => refuse(tooMany()))) return false
      storage = storage === EMPTY ? new ArrayBuffer(bytes) : storage.transfer(bytes)
      return true
    }
    const take = (piece: Buffer): void => {
      const at = length
      length += piece.length
      pieces++
      const isWhole = pieces === 1 && length === announced
      if (isWhole) whole = piece
      const refusal = refusalOf(pieces, length)
      const hasSpace = () => (isWhole ? hold(held, length, null) : length <= storage.byteLength || grow(length))
      if (refusal !== null) refuse(refusal)
      else if (!hasSpace()) refuse(tooMany())
      else if (!isWhole) new Uint8Array(storage, at).set(piece)
    }
    incoming.on('data', take)
    incoming.on('end', () => {
      // What was refused is read to its end too, by nobody.
      if (isOver) return
      isOver = true
      finish(held)
      resolve(whole ?? Buffer.from(storage, 0, length))
    })
    incoming.on('error', () => refuse(endedEarly()))
    incoming.on('aborted', () => refuse(endedEarly()))
  })
}
