// The agent that deploys: runs the operator's program for an environment, says on the forge how
// that goes, looks whether it works, and goes back if it does not.
import { AppError, GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { locate, programProblem } from '../command/program.ts'
import { isolationOnce } from '../isolation/isolation-once.ts'
import type { Argv, DeployOptions, EnvironmentOptions } from './options.ts'
import { deployInput, deployOptions, programsOf } from './options.ts'
import { runDeployment } from './run.ts'

const NO_ENVIRONMENT =
  'no environment is set up: set SIGNALBOX_DEPLOY_COMMAND to a program, or add deploy({ environments }) to the agents'

/**
 * Deploys by the programs of its environments. A program gets what it is about as JSON on standard
 * input and in the file SIGNALBOX_INPUT; exit code 0 is success. Nothing of an event is ever one of
 * its arguments.
 * @throws AppError `config_invalid` naming the option at fault.
 */
export function deploy(options: DeployOptions): Agent {
  return deployIn(options, process.cwd())
}

function deployIn(given: DeployOptions, folder: string): Agent {
  const { error } = deployOptions.safeParse(given, PARSING)
  if (error) throw new AppError('config_invalid', describe(error, { intro: 'deploy():' }))
  const options = located(given, folder)
  const environments = Object.values(options.environments)
  const isolate = isolationOnce(options)
  const agent = defineAgent({
    name: 'deploy',
    description: 'Deploys by a program, and goes back if that does not work.',
    input: deployInput,
    async run(context) {
      if (environments.length === 0) throw new GiveUp(`It cannot deploy: ${NO_ENVIRONMENT}.`)
      return runDeployment(context, { options, isolation: await isolate() })
    },
  })
  return {
    ...agent,
    problem: () => problemOf(environments),
    ...(environments.length > 0 && { isolate }),
    inFolder: (other) => deployIn(given, other),
    inRepository: (own) => deployIn({ ...(own.repository && { repository: own.repository }), ...given }, folder),
    runsIn: 'service',
    env: environments.flatMap(({ env = [] }) => env),
    repositories: given.repository === undefined ? [] : [given.repository],
    settings: given,
  }
}

/** The options with whole paths in place of those relative to the configuration's folder. */
function located(options: DeployOptions, folder: string): DeployOptions {
  const path = (argv: Argv): Argv => locate({ argv }, folder).argv
  const { read, write } = locate({ argv: ['true'], read: options.read ?? [], write: options.write ?? [] }, folder)
  const environments = Object.entries(options.environments).map(([name, each]): [string, EnvironmentOptions] => {
    const { run, rollback, healthCheck } = each
    return [
      name,
      {
        ...each,
        run: path(run),
        ...(rollback && { rollback: path(rollback) }),
        ...(healthCheck && {
          healthCheck: 'run' in healthCheck ? { ...healthCheck, run: path(healthCheck.run) } : healthCheck,
        }),
      },
    ]
  })
  return { ...options, read, write, environments: Object.fromEntries(environments) }
}

function problemOf(environments: readonly EnvironmentOptions[]): string | null {
  const problems = environments.flatMap(programsOf).map((argv) => programProblem({ argv }))
  return problems.find((problem) => problem !== null) ?? null
}
