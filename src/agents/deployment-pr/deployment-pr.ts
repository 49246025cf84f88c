// The agent that answers a deployment with a pull request, and with a check of its configuration.
import type { z } from 'zod'
import { AppError, GiveUp } from '../../lib/error.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { Agent, AgentContext, AgentResult, RepositorySettings } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { locate, programProblem } from '../command/program.ts'
import type { Isolation } from '../isolation/isolation.ts'
import { isolationOnce } from '../isolation/isolation-once.ts'
import type { DeploymentPrDefaults } from './answer.ts'
import type { CommandValidation } from './command-validation.ts'
import { commandValidation, problemsByCommand } from './command-validation.ts'
import { answerWithOwnFile } from './file-owner.ts'
import type { DeploymentPrOptions } from './options.ts'
import { deploymentPrInput, repositoriesOf } from './options.ts'
import type { Validate } from './validation.ts'
import { bySchema, problemsOf, validationCheck, withoutAutoMerge } from './validation.ts'

/** Options of the agent. A program can be named here only, and not by a rule. */
export type DeploymentPrSettings = Omit<DeploymentPrDefaults, 'validate'> & {
  validate?: DeploymentPrOptions['validate'] | CommandValidation
}

/**
 * Commits the deployed configuration to `deployments/<app>/<environment>.json` and opens a pull
 * request for it.
 * @throws AppError `config_invalid` naming the option at fault.
 */
export function deploymentPr(settings: DeploymentPrSettings = {}): Agent {
  return deploymentPrIn(settings, process.cwd())
}

function deploymentPrIn(settings: DeploymentPrSettings, folder: string): Agent {
  const { command, defaults } = readSettings(settings)
  const program = command && located(command, folder)
  const isolate = isolationOnce(program ?? {})
  const agent = defineAgent({
    name: 'deployment-pr',
    description: 'Opens a pull request that documents a deployment.',
    input: deploymentPrInput.nullish(),
    run: (context) => answer(context, { ...defaults, ...(context.input ?? {}) }, program && { program, isolate }),
  })
  const inRepository = (own: RepositorySettings) => deploymentPrIn({ ...own, ...settings }, folder)
  const common = { ...agent, inRepository, repositories: repositoriesOf(defaults), settings }
  if (program === undefined) return common
  const problem = () => programProblem({ argv: program.command })
  const inFolder = (other: string) => deploymentPrIn(settings, other)
  return { ...common, isolate, problem, inFolder, runsIn: 'service' }
}

function readSettings({ customise, ...given }: DeploymentPrSettings): {
  defaults: DeploymentPrDefaults
  command?: CommandValidation
} {
  const { validate, ...others } = given
  const isCommand = validate !== undefined && 'command' in validate
  const options = checked(deploymentPrInput.safeParse(isCommand ? others : given, PARSING))
  const defaults = { ...options, ...(customise === undefined ? {} : { customise }) }
  if (!isCommand) return { defaults }
  checked(commandValidation.safeParse(validate, PARSING))
  return { defaults, command: validate }
}

function checked<Options>({ data, error }: z.ZodSafeParseResult<Options>): Options {
  if (error) throw new AppError('config_invalid', describe(error, { intro: 'deploymentPr():' }))
  return data
}

function located(validate: CommandValidation, folder: string): CommandValidation {
  const { command, ...isolation } = validate
  const { argv, ...paths } = locate({ ...isolation, argv: command }, folder)
  return { ...paths, command: argv }
}

type ProgramParts = { program: CommandValidation; isolate(): Promise<Isolation> }

async function answer(
  context: AgentContext<unknown>,
  options: DeploymentPrDefaults,
  parts: ProgramParts | undefined,
): Promise<AgentResult> {
  const { payload, log, forge, step } = context
  const answered = await answerWithOwnFile(payload, options, forge && ((path) => ({ forge, path })))
  if ('missing' in answered) {
    const { app_name: app } = answered.event.data
    throw new GiveUp(
      `No repository is set for ${app}: set GITHUB_REPO, or the rule's \`repository\` or \`repositories\`.`,
    )
  }
  if ('skipped' in answered) {
    log(answered.skipped)
    return { outputs: [], result: { skipped: answered.skipped } }
  }
  const { output } = answered
  const { repository, branch, changes } = output
  const file = changes[0]?.path
  log(`The pull request for ${repository} is ${file} on ${branch}.`)
  const result = { repository, branch, file }
  const validate = validation(context, options, { repository, base: output.base, parts })
  if (validate === null) return { outputs: [output], result }
  const problems = await step('validate', () => problemsOf(payload, validate))
  log(problems.length === 0 ? 'The configuration is valid.' : `The configuration has ${problems.length} problems.`)
  const { name = 'pull_request' } = output
  const check = validationCheck(problems, { repository, commit: `{{outputs.${name}.sha}}` })
  return {
    outputs: [withoutAutoMerge({ ...output, name }, problems), check],
    result: { ...result, problems: problems.length },
  }
}

/** How the configuration is validated: by what the rule says, else as the agent was set up. */
function validation(
  context: AgentContext<unknown>,
  { validate }: DeploymentPrDefaults,
  { repository, base, parts }: { repository: string; base: string | undefined; parts: ProgramParts | undefined },
): Validate | null {
  if (validate !== undefined) return bySchema(validate, { forge: context.forge, repository, base })
  if (parts === undefined) return null
  return async (config) => problemsByCommand(parts.program, config, { ...context, isolation: await parts.isolate() })
}
