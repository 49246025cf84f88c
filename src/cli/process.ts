// The process around a run of the command line: its streams, its environment, how it ends.
import { accessSync, constants, existsSync } from 'node:fs'
import { isatty } from 'node:tty'
import { styleText } from 'node:util'
import type { Ask } from './ask.ts'
import { reportFailure, run } from './program.ts'
import type { Terminal } from './terminal.ts'

// A finished command does not wait longer than this for a connection that will not close.
const LINGER_MS = 2_000

/** Runs the command of this process's arguments and sets the exit code. */
export async function main(): Promise<void> {
  const terminal = processTerminal()
  // `signalbox jobs ls | head` closes the pipe early; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  process.on('uncaughtException', async (error) =>
    process.exit(await reportFailure(terminal, error, process.argv.includes('--json'))),
  )
  const fromEnvFile = await loadEnvFile()
  process.exitCode = await run(process.argv.slice(2), { ...terminal, fromEnvFile })
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

/**
 * Reads `.env`, and returns what it set: what is in the environment already stays as it is.
 * @throws AppError `config_invalid` when it cannot be read.
 */
async function loadEnvFile(): Promise<ReadonlySet<string>> {
  const before = new Set(Object.keys(process.env))
  try {
    if (existsSync('.env')) {
      // Of a file it may not read, Node says that there is none.
      accessSync('.env', constants.R_OK)
      process.loadEnvFile('.env')
    }
  } catch (error) {
    // Loaded here, because the help needs neither.
    const [{ AppError, errorText }, { systemFailure }] = await Promise.all([
      import('../lib/error.ts'),
      import('../lib/system-error.ts'),
    ])
    const reason = systemFailure(error)?.reason ?? errorText(error)
    throw new AppError('config_invalid', `The environment file cannot be read: ${reason}.`, { cause: error })
  }
  return new Set(Object.keys(process.env).filter((name) => !before.has(name)))
}

function processTerminal(): Terminal {
  return {
    env: process.env,
    fromEnvFile: new Set(),
    folder: process.cwd(),
    columns: process.stdout.isTTY ? process.stdout.columns : undefined,
    out: (line) => process.stdout.write(line),
    err: (line) => process.stderr.write(line),
    readInput: async () => {
      const { text } = await import('node:stream/consumers')
      return text(process.stdin)
    },
    // The streams themselves are made when they are used first.
    ...(isatty(0) && isatty(2) && { ask: askHere }),
    // It drops the colour for NO_COLOR and where standard output is no terminal.
    paint: (style, words) => styleText(style, words),
  }
}

/** On standard error, so that what a command prints can go into a file. */
const askHere: Ask = async (question, options) => {
  const { askOn } = await import('./ask.ts')
  return askOn(process.stdin, process.stderr)(question, options)
}
