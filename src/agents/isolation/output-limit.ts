// Ends a program that prints more than it may.
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
