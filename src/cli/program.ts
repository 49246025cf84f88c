// The command line as a whole: its commands, and how a run of it ends.
import { Command, CommanderError } from 'commander'
import { VERSION } from '../lib/version.ts'
import { addAgents } from './agents.ts'
import { addDb } from './db.ts'
import { addDeliveries } from './deliveries.ts'
import { addDeploy } from './deploy.ts'
import { addDoctor } from './doctor/doctor.ts'
import { addEndpoints } from './endpoints.ts'
import { addEvents } from './events.ts'
import { EXIT, failureJson, failureOf, failureText, Unsuccessful } from './failure.ts'
import { addJobs } from './jobs.ts'
import { addMigrate } from './migrate.ts'
import { addRules } from './rules.ts'
import { addSecret } from './secret.ts'
import { addSources } from './sources.ts'
import { addStart } from './start.ts'
import type { Terminal } from './terminal.ts'
import { cliOver } from './terminal.ts'
import { addTrigger } from './trigger.ts'

const GROUPS = [
  { title: 'Run it:', add: [addStart, addMigrate, addDoctor] },
  { title: 'Use it:', add: [addDeploy, addTrigger, addEvents, addJobs, addDeliveries, addEndpoints] },
  { title: 'Set it up:', add: [addRules, addSources, addAgents, addDb, addSecret] },
]

const AFTER_HELP = `
Settings come from the environment and a .env file in this folder; the environment wins.
Exit codes: 0 done, 1 failed as it may, 2 wrong usage, 70 a bug.

Example:
  $ signalbox dev`

/** Puts the commands together over a terminal. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('signalbox')
  const cli = cliOver(terminal, () => program.opts().json === true)
  program
    .description('Turns signed webhooks into finished work, and deployed AI configurations into pull requests.')
    .version(VERSION)
    .option('--json', 'print JSON: results on standard output, an error on standard error')
    .addHelpText('after', AFTER_HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: terminal.out,
      writeErr: terminal.err,
      // Said once, by `run`, like every other failure.
      outputError: () => {},
      ...(terminal.columns === undefined ? {} : { getOutHelpWidth: () => terminal.columns ?? 80 }),
    })
    .exitOverride()
  for (const { title, add } of GROUPS) {
    program.commandsGroup(title)
    for (const one of add) one(program, cli)
  }
  program.commandsGroup('Find out:').helpCommand('help [command]', 'show how a command is used')
  return program
}

function isDebug({ env }: Terminal): boolean {
  return env.ORCHESTRATOR_LOG_LEVEL?.toUpperCase() === 'DEBUG'
}

/**
 * Says what went wrong, in words or as JSON, and gives the exit code. The stack is for who asked
 * for it.
 */
export function reportFailure(terminal: Terminal, error: unknown, json: boolean): number {
  const failure = failureOf(error)
  terminal.err(json ? failureJson(failure) : failureText(failure))
  if (isDebug(terminal) && error instanceof Error && !(error instanceof CommanderError)) {
    terminal.err(`${error.stack}\n${error.cause instanceof Error ? `because of ${error.cause.stack}\n` : ''}`)
  }
  return failure.exitCode
}

/** Runs one command and gives its exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal)
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    if (error instanceof Unsuccessful) return EXIT.failed
    // Help and the version come as errors, too; `commander.help` is help shown because a command
    // was missing.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    return reportFailure(terminal, error, program.opts().json === true)
  }
}
