// The options that every benchmark takes.
import { parseArgs } from 'node:util'

/** What was asked for on the command line. */
export type Options = {
  /** Only to see that it works. */
  quick: boolean
  rounds: number | undefined
  seconds: number | undefined
  /** How often a disturbed slot is measured at most. */
  attempts: number
  /** Commit whose Signalbox is measured beside this one. */
  against: string | undefined
  /** Whether a row of this name is wanted. */
  wants(name: string): boolean
}

/** Reads the command line. */
export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      attempts: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true },
      against: { type: 'string' },
    },
  })
  const { quick, only, against } = values
  return {
    quick,
    against,
    rounds: values.rounds === undefined ? undefined : Number(values.rounds),
    seconds: values.seconds === undefined ? undefined : Number(values.seconds),
    attempts: Number(values.attempts),
    wants: (name) => only === undefined || only.some((part) => name.includes(part)),
  }
}
