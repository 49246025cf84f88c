// What an operator says about deployments: the environments, and what is run for each.
import { z } from 'zod'
import { isGlob } from '../../lib/glob.ts'
import { repositoryName } from '../../lib/repository.ts'
import type { Who } from '../../rules/who.ts'
import type { IsolationOptions } from '../isolation/options.ts'
import { isolationFields } from '../isolation/options.ts'
import type { Freeze } from './freeze.ts'
import { isDate, isTimeZone, WEEKDAYS } from './freeze.ts'

/** A program and its arguments; no word of an event is ever added to it. */
export type Argv = readonly [string, ...string[]]

/** Says whether a deployment works: an address that answers 2xx, or a program that ends with 0. */
export type HealthCheck = ({ url: string } | { run: Argv }) & {
  /** How often it is asked before the answer is no. Default 10. */
  attempts?: number
  /** The pause between. Default 3,000. */
  everyMs?: number
}

/** Who must agree before a deployment begins, and how many of them. */
export type ApprovalRule = { who?: Who | 'anyone'; count?: number; timeoutMs?: number }

/** Where something is deployed, and how. */
export type EnvironmentOptions = {
  /** The program that deploys. */
  run: Argv
  /**
   * What goes back to an earlier commit. Default: `run`, with that commit. `false`: what failed is
   * left as it is.
   */
  rollback?: Argv | false
  /** Repositories that may be deployed here, as globs. Default: any that a rule is for. */
  repositories?: readonly string[]
  /** Branches and tags that may be deployed, as globs. Default: all of the repository. */
  refs?: readonly string[]
  /** Run in a checkout of the commit, not in an empty folder. */
  checkout?: boolean
  /** Names of variables to pass on. */
  env?: readonly string[]
  /** Where it can be seen. The program may say another one. */
  url?: string
  /** Where its log is, with `{job}` for the job's id. Default: the job in the API. */
  logUrl?: string
  healthCheck?: HealthCheck
  approval?: ApprovalRule
  freeze?: readonly Freeze[]
  /** The time zone of `freeze`. Default UTC. */
  timeZone?: string
  /** Names of the checks that the commit must have passed. */
  requiredContexts?: readonly string[]
  /** Whether GitHub shows it as production. Default: when it is called so. */
  production?: boolean
  /** How long the program may take. Default 30 minutes. */
  timeoutMs?: number
  /** Whether a program that was killed half-way may be run again. Default: it is a failure. */
  repeatable?: boolean
}

/** What `deploy` is made of. */
export type DeployOptions = IsolationOptions & {
  environments: Readonly<Record<string, EnvironmentOptions>>
  /** The repository of jobs by hand that name none. */
  repository?: string
}

const argv = z.array(z.string()).min(1, 'must name the program to run')
const address = z.url({ protocol: /^https?$/ }).max(2000)
const globs = z.array(z.string().min(1).max(256).refine(isGlob)).min(1).max(100)
const time = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 16:00')
const date = z.string().refine(isDate, 'must be a date such as 2026-12-24')
const milliseconds = z.int().min(0)

const common = { during: z.enum(['wait', 'refuse']).optional(), reason: z.string().min(1).max(200).optional() }
const freeze = z.union(
  [
    z.strictObject({
      days: z.array(z.enum(WEEKDAYS)).min(1),
      from: time.optional(),
      until: time.optional(),
      ...common,
    }),
    z.strictObject({ from: time, until: time, ...common }),
    z.strictObject({ dates: z.strictObject({ from: date, until: date }), ...common }),
  ],
  'must have days, the times from and until, or dates of from and until',
)

const checked = { attempts: z.int().min(1).max(1000).optional(), everyMs: milliseconds.optional() }
const healthCheck = z.union(
  [z.strictObject({ url: address, ...checked }), z.strictObject({ run: argv, ...checked })],
  'must have an address as url, or a program as run',
)

const environment = z.strictObject({
  run: argv,
  rollback: z.union([argv, z.literal(false)]).optional(),
  repositories: globs.optional(),
  refs: globs.optional(),
  checkout: z.boolean().optional(),
  env: z.array(z.string()).optional(),
  url: address.optional(),
  logUrl: address.optional(),
  healthCheck: healthCheck.optional(),
  approval: z
    .strictObject({
      // Read by the job's approval, which knows who may.
      who: z.unknown().optional(),
      count: z.int().min(1).max(10).optional(),
      timeoutMs: milliseconds.optional(),
    })
    .optional(),
  freeze: z.array(freeze).max(50).optional(),
  timeZone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Berlin').optional(),
  requiredContexts: z.array(z.string().min(1)).max(50).optional(),
  production: z.boolean().optional(),
  timeoutMs: z.int().min(1000).optional(),
  repeatable: z.boolean().optional(),
})

/** An environment's name: part of addresses and messages. */
const name = z.string().regex(/^[A-Za-z0-9][\w./-]{0,99}$/, 'must be 1 to 100 letters, digits, or any of _ . / -')

/** The schema of the options. */
export const deployOptions = z.strictObject({
  environments: z.record(name, environment),
  repository: repositoryName.optional(),
  ...isolationFields,
})

/** What a rule, a command or a trigger by hand may ask for. */
export const deployInput = z.strictObject({
  kind: z.enum(['deploy', 'rollback']).default('deploy'),
  environment: z.string().min(1).max(255).optional(),
  /** A branch, a tag or the 40 digits of a commit. Default: what the event is about. */
  ref: z.string().min(1).max(255).optional(),
  /** Of a job by hand. */
  repository: repositoryName.optional(),
})

/** What is asked for. */
export type DeployInput = z.infer<typeof deployInput>

/** The programs of an environment. */
export function programsOf({ run, rollback, healthCheck }: EnvironmentOptions): Argv[] {
  return [run, ...(rollback ? [rollback] : []), ...(healthCheck && 'run' in healthCheck ? [healthCheck.run] : [])]
}
