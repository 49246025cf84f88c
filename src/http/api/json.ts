// A JSON body of an API request.
import { AppError } from '../../lib/error.ts'
import { MAX_BODY_BYTES } from '../body.ts'

/** Reads a request's JSON, at most 25 MB of it; what is in it is checked by the room it is for. @throws AppError `content_type_unsupported`, `body_invalid`, `body_too_large` */
export const readJson = async (request: Request): Promise<unknown> => {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw new AppError('content_type_unsupported', 'Send application/json.')
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw new AppError('body_too_large', undefined, { headers: { connection: 'close' } })
    chunks.push(chunk)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch {
    throw new AppError('body_invalid', 'The body is not JSON.')
  }
}
