// What the agent is set up with, and what one job of it is given.
import { z } from 'zod'
import { AppError } from '../../lib/error.ts'
import { repositoryName } from '../../lib/repository.ts'
import { describe, PARSING } from '../../lib/zod.ts'
import type { ModelRef } from '../../models/model-ref.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { isolationFields } from '../isolation/options.ts'
import type { AllowedCommand } from './tools/tool.ts'

/** A coding agent with a command line, in the place of a model. */
export type Engine = {
  /**
   * The program and its arguments; a relative path is looked up beside `signalbox.config.ts`. It
   * reads the task on its standard input and works in the folder that it is started in.
   */
  argv: readonly [string, ...string[]]
  /** Names of Signalbox's environment variables that it sees. */
  env?: readonly string[]
  /** Default 30. */
  minutes?: number
}

/** How tasks become pull requests. */
export type IssueToPrOptions = Omit<IsolationOptions, 'write'> & {
  /** The model that works, unless a rule names another. Default: `SIGNALBOX_MODEL`. */
  model?: ModelRef
  /** A program that works in its place. */
  engine?: Engine
  /** The tests: a program and its arguments, run in the checkout. */
  test?: readonly [string, ...string[]]
  /** Other commands that the model may run, by name. */
  commands?: Readonly<Record<string, AllowedCommand>>
  /** Names of Signalbox's environment variables that the tests see. */
  env?: readonly string[]
  /** The operator's own words for the model. */
  instructions?: string
  /** Where tasks by hand are done unless they say otherwise. */
  repository?: string
  /** The branch to work from. Default: the repository's default branch. */
  base?: string
  /** The label that asks for the work, and that its pull requests have. Default `agent-task`. */
  label?: string
  /** How often a failing test goes back to the model. Default 2. */
  fixes?: number
  /** How often it answers feedback on one pull request. Default 5. */
  rounds?: number
  /** Of the model's turns. Default 50. */
  turns?: number
  /** Of the model's work, which must be less than the job may take. Default 25. */
  minutes?: number
  /** As in `outputs.pull_request` of the rule, so that nothing is made that is refused later. */
  protectedPaths?: readonly string[]
  protectLockFiles?: boolean
}

const argv = z.array(z.string()).min(1, 'must name the program to run')
const env = z.array(z.string()).optional()

const command = z.strictObject({
  argv,
  description: z.string().optional(),
  arguments: z.enum(['paths', 'words']).optional(),
  env,
  timeoutMs: z.int().min(1).optional(),
})

const { write: _, ...isolation } = isolationFields

const schema = z.strictObject({
  model: z.unknown().optional(),
  engine: z.strictObject({ argv, env, minutes: z.number().positive().max(10_000).optional() }).optional(),
  test: argv.optional(),
  commands: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,50}$/), command).optional(),
  env,
  instructions: z.string().max(50_000).optional(),
  repository: repositoryName.optional(),
  base: z.string().min(1).optional(),
  label: z.string().min(1).max(50).optional(),
  fixes: z.int().min(0).max(10).optional(),
  rounds: z.int().min(0).max(100).optional(),
  turns: z.int().min(1).max(1000).optional(),
  minutes: z.number().positive().max(10_000).optional(),
  protectedPaths: z.array(z.string().min(1)).max(100).optional(),
  protectLockFiles: z.boolean().optional(),
  ...isolation,
})

/** @throws AppError `config_invalid` naming the option at fault. */
export function requireOptions(given: IssueToPrOptions): void {
  const { error } = schema.safeParse(given, PARSING)
  if (error) throw new AppError('config_invalid', describe(error, { intro: 'issueToPr():' }))
}

/** What one job is given: by hand a task, by `/task` what was written behind it. */
export const taskInput = z
  .strictObject({
    task: z.string().min(1).max(50_000).optional(),
    /** Files that the task is about. */
    files: z.array(z.string().min(1).max(1000)).max(100).optional(),
    repository: repositoryName.optional(),
    /** US dollars that the task may cost. */
    max: z.number().optional(),
    text: z.string().max(50_000).optional(),
  })
  .nullish()
  .transform((given) => given ?? {})

/** See `taskInput`. */
export type TaskInput = z.infer<typeof taskInput>
