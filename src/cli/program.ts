// The command line as a whole: its commands, and how a run of it ends.
import { Command, CommanderError } from 'commander'
import { VERSION } from '../lib/version.ts'
import { EXIT } from './exit-code.ts'
import type { Cli, Terminal } from './terminal.ts'
import { cliOver } from './terminal.ts'

/**
 * A command: its name with its arguments, and what completes it. That is loaded when the command is
 * used, so that the help and short commands do not wait for the whole program.
 */
type Entry = {
  name: string
  description: string
  load(): Promise<(command: Command, cli: Cli) => void>
}

const GROUPS: readonly { title: string; entries: readonly Entry[] }[] = [
  {
    title: 'Run it:',
    entries: [
      {
        name: 'dev',
        description: 'run everything on this machine, with nothing to set up',
        load: async () => (await import('./start.ts')).addDev,
      },
      {
        name: 'serve',
        description: 'run in production: receive webhooks, work on jobs, deliver',
        load: async () => (await import('./start.ts')).addServe,
      },
      {
        name: 'migrate',
        description: 'bring the tables up to date (dev and serve do it themselves when they start)',
        load: async () => (await import('./migrate.ts')).addMigrate,
      },
      {
        name: 'prune',
        description: 'delete what is older than it is kept for, or count it',
        load: async () => (await import('./prune.ts')).addPrune,
      },
      {
        name: 'doctor',
        description: 'check every setting and connection, and say what to do',
        load: async () => (await import('./doctor/doctor.ts')).addDoctor,
      },
    ],
  },
  {
    title: 'Use it:',
    entries: [
      {
        name: 'deploy',
        description: 'record that a configuration went live, and notify who asked for it',
        load: async () => (await import('./deploy.ts')).addDeploy,
      },
      {
        name: 'deployments',
        description: 'what went live where, and what became of its pull request',
        load: async () => (await import('./deployments.ts')).addDeployments,
      },
      {
        name: 'trigger [job-type]',
        description: 'start a job by hand; without a type, the ping that proves the orchestrator is alive',
        load: async () => (await import('./trigger.ts')).addTrigger,
      },
      {
        name: 'send',
        description: 'send a signed sample webhook, to try rules and agents',
        load: async () => (await import('./send.ts')).addSend,
      },
      {
        name: 'events',
        description: 'what happened, and what became of it',
        load: async () => (await import('./events.ts')).addEvents,
      },
      {
        name: 'jobs',
        description: 'the work: see it, follow its log, cancel it, run it again',
        load: async () => (await import('./jobs.ts')).addJobs,
      },
      {
        name: 'pause',
        description: 'hold work back: everything, what follows from a source, a rule, an endpoint',
        load: async () => (await import('./pause.ts')).addPause,
      },
      {
        name: 'resume',
        description: 'let go on what is paused',
        load: async () => (await import('./pause.ts')).addResume,
      },
      {
        name: 'deliveries',
        description: 'what endpoints were notified of, and whether it arrived',
        load: async () => (await import('./deliveries.ts')).addDeliveries,
      },
      {
        name: 'trace <id>',
        description: 'what led to something and what followed, as a tree with times',
        load: async () => (await import('./trace.ts')).addTrace,
      },
      {
        name: 'why <about>',
        description: 'what reached us about something, and why something or nothing followed',
        load: async () => (await import('./why.ts')).addWhy,
      },
      {
        name: 'findings',
        description: 'what reviews found, what became of it, and how often they were right',
        load: async () => (await import('./findings.ts')).addFindings,
      },
      {
        name: 'nodes',
        description: 'which processes are alive, what they run, and by which version',
        load: async () => (await import('./nodes.ts')).addNodes,
      },
      {
        name: 'gaps',
        description: 'when webhooks did not arrive, and what was recovered',
        load: async () => (await import('./gaps.ts')).addGaps,
      },
      {
        name: 'listen',
        description: 'receive deliveries here, to develop a receiver: verify, print, and answer as you like',
        load: async () => (await import('./listen/listen.ts')).addListen,
      },
      {
        name: 'endpoints',
        description: 'which addresses are notified of events',
        load: async () => (await import('./endpoints.ts')).addEndpoints,
      },
    ],
  },
  {
    title: 'Set it up:',
    entries: [
      {
        name: 'init',
        description: 'set it up in this folder: configuration, secrets, and what Git leaves out',
        load: async () => (await import('./init/init.ts')).addInit,
      },
      {
        name: 'github',
        description: 'the webhook on GitHub: make it, repair it, and see whether it arrives',
        load: async () => (await import('./github/github.ts')).addGithub,
      },
      {
        name: 'rules',
        description: 'which events become which jobs',
        load: async () => (await import('./rules.ts')).addRules,
      },
      {
        name: 'sources',
        description: 'list who may send webhooks, and what opens a closed source',
        load: async () => (await import('./sources.ts')).addSources,
      },
      {
        name: 'agents',
        description: 'list the agents, built-in and configured, or run one here',
        load: async () => (await import('./agents.ts')).addAgents,
      },
      {
        name: 'models',
        description: 'try the language models that agents ask',
        load: async () => (await import('./models.ts')).addModels,
      },
      {
        name: 'backup',
        description: 'write all that is stored to a file, while the service goes on',
        load: async () => (await import('./backup.ts')).addBackup,
      },
      {
        name: 'restore',
        description: 'load a backup into an empty database',
        load: async () => (await import('./restore.ts')).addRestore,
      },
      {
        name: 'export',
        description: 'copy the embedded database to the PostgreSQL of DATABASE_URL',
        load: async () => (await import('./export.ts')).addExport,
      },
      { name: 'db', description: 'reach the database', load: async () => (await import('./db.ts')).addDb },
      { name: 'secret', description: 'make a secret', load: async () => (await import('./secret.ts')).addSecret },
    ],
  },
]

const AFTER_HELP = `
Settings come from the environment, and then from a .env file in this folder.
Exit codes: 0 done, 1 expected failure, 2 wrong usage, 70 a bug.

Example:
  $ signalbox dev`

/**
 * Puts the commands together over a terminal. Those that `isUsed` does not name are known by name
 * and description only.
 */
export async function buildProgram(terminal: Terminal, isUsed: (name: string) => boolean): Promise<Command> {
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
  for (const { title, entries } of GROUPS) {
    program.commandsGroup(title)
    for (const { name, description, load } of entries) {
      const command = program.command(name).description(description)
      if (isUsed(command.name())) (await load())(command, cli)
    }
  }
  program.commandsGroup('Find out:').helpCommand('help [command]', 'show how a command is used')
  return program
}

/**
 * Says what went wrong, in words or as JSON, and returns the exit code. The stack is for who asked
 * for it.
 */
export async function reportFailure(terminal: Terminal, error: unknown, json: boolean): Promise<number> {
  const { failureJson, failureOf, failureText, Unsuccessful } = await import('./failure.ts')
  if (error instanceof Unsuccessful) return EXIT.failed
  const failure = failureOf(error)
  terminal.err(json ? failureJson(failure) : failureText(failure))
  if (isDebug(terminal) && error instanceof Error && !(error instanceof CommanderError)) {
    terminal.err(`${error.stack}\n${error.cause instanceof Error ? `because of ${error.cause.stack}\n` : ''}`)
  }
  return failure.exitCode
}

/** Runs one command and returns its exit code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  // `signalbox --json jobs ls` and `signalbox help jobs`: no option of the program has a value.
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2)
  const program = await buildProgram(terminal, (name) => words[words[0] === 'help' ? 1 : 0] === name)
  // Commander would show the whole help, as if nothing were wrong.
  if (words[0] === 'help' && words[1] !== undefined && !isCommand(words[1])) {
    return reportFailure(terminal, unknownCommand(words[1]), args.includes('--json'))
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return EXIT.done
  } catch (error) {
    // Help and the version come as errors, too; `commander.help` is help shown because a command
    // was missing.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage
    return reportFailure(terminal, error, program.opts().json === true)
  }
}

function isCommand(word: string): boolean {
  return word === 'help' || GROUPS.some(({ entries }) => entries.some(({ name }) => name.split(' ')[0] === word))
}

function unknownCommand(word: string): CommanderError {
  return new CommanderError(EXIT.usage, 'commander.unknownCommand', `error: unknown command '${word}'`)
}

function isDebug({ env }: Terminal): boolean {
  return env.ORCHESTRATOR_LOG_LEVEL?.toUpperCase() === 'DEBUG'
}
