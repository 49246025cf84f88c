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

/** Reads the command line. A wrong option ends the process with a sentence and exit code 2. */
export function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nSee bench/run --help.`)
    process.exit(2)
  }
}

/**
 * Parses the options.
 * @throws Error saying which option is wrong.
 */
export function parseOptions(args: string[]): Options {
  const { values } = parse(args)
  const { quick, only, against } = values
  return {
    quick,
    against,
    rounds: numberOf('rounds', values.rounds),
    seconds: numberOf('seconds', values.seconds),
    attempts: numberOf('attempts', values.attempts) ?? 1,
    wants: (name) => only === undefined || only.some((part) => name.includes(part)),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        attempts: { type: 'string' },
        only: { type: 'string', multiple: true },
        against: { type: 'string' },
      },
    })
  } catch (error) {
    // Only the first sentence of Node's says what is wrong.
    const [what = ''] = String((error as Error).message).split(/(?<=')\. |\n/)
    throw new Error(`${what.replace(/\.$/, '')}.`)
  }
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} must be a whole number from 1, not "${text}".`)
  return Number(text)
}

// `bench/run` runs this file by itself first: a wrong option ends it before anything is installed.
if (import.meta.main) readOptions()
