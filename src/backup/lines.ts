// A stream of bytes, cut into lines.
import { AppError } from '../lib/error.ts'

// PostgreSQL has no row that is larger. A few megabytes may unpack to any number of bytes.
const MAX_BYTES = 2 ** 30

/**
 * The lines of it, each with its line feed; the last one may have none.
 * @throws AppError `backup_invalid` when one is longer than a row can be.
 */
export async function* linesOf(input: AsyncIterable<Buffer>, maxBytes = MAX_BYTES): AsyncGenerator<Buffer> {
  // The pieces of a line that has not ended: one of many megabytes is put together once.
  let begun: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    let start = 0
    for (let end = chunk.indexOf(10, start); end >= 0; end = chunk.indexOf(10, start)) {
      const rest = chunk.subarray(start, end + 1)
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      bytes = 0
      start = end + 1
    }
    if (start === chunk.length) continue
    begun.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > maxBytes) {
      const sentence = 'The backup is damaged: a line of it is longer than a row can be. Nothing was loaded.'
      throw new AppError('backup_invalid', sentence)
    }
  }
  if (begun.length > 0) yield Buffer.concat(begun)
}
