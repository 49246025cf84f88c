// Reads what a program prints, and ends one that prints more than it may.
import type { Readable } from 'node:stream'
import { GiveUp } from '../../lib/error.ts'

/** Counts what a program prints, on all its ways out. */
export type OutputLimit = {
  /** Aborts with `signal`, or once the program has printed too much. */
  signal: AbortSignal
  /** Counts what comes from the stream. */
  counted(stream: Readable): Readable
}

/** Opens a limit of so many MB. */
export function outputLimit(signal: AbortSignal, maxMb: number): OutputLimit {
  const controller = new AbortController()
  let left = maxMb * 1_000_000
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    counted: (stream) =>
      stream.on('data', (chunk: Buffer | string) => {
        left -= Buffer.byteLength(chunk)
        if (left < 0) controller.abort(new GiveUp(`The program printed more than ${maxMb} MB.`))
      }),
  }
}

/** What a program prints, as it comes, to the end of the program. */
export async function* textOf(stream: Readable): AsyncGenerator<string> {
  try {
    yield* stream.setEncoding('utf8')
  } catch (error) {
    // A descendant outside the group kept the pipe open, so it was cut after the program had ended.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}
