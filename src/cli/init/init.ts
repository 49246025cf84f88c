// `signalbox init`: writes the configuration, the secrets, and what Git leaves out.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Command } from 'commander'
import type { Environment } from '../../lib/environment.ts'
import { readEnvironment } from '../../lib/environment.ts'
import { parseUrl } from '../api-client.ts'
import { fields } from '../table.ts'
import type { Cli } from '../terminal.ts'
import { indent, inline } from '../text.ts'
import { withTimeout } from '../wait.ts'
import type { AppOptions, MadeApp } from './app.ts'
import { makeApp, requireAppPossible } from './app.ts'
import type { WrittenFile } from './files.ts'
import { writeConfig, writeEnv, writeIgnored } from './files.ts'
import type { Answers } from './questions.ts'
import { askAll } from './questions.ts'
import { findRepository, isTracked } from './repository.ts'
import type { Asked } from './settings.ts'
import { COMMENTS, openQuestions, secretsFor } from './settings.ts'

/** The options of `init`. */
type InitOptions = AppOptions & { yes?: boolean; repository?: string; publicUrl?: string; app?: boolean }

/** What was done, and what is left to do. */
type Outcome = {
  files: WrittenFile[]
  app: MadeApp | null
  open: { variable: string; remedy: string }[]
  warnings: string[]
  next: string[]
}

/** Completes `init`. */
export function addInit(init: Command, cli: Cli): void {
  withTimeout(
    init
      .option('-y, --yes', 'ask nothing: make the secrets, and leave for later what only you can give')
      .option('--repository <owner/name>', 'your repository on GitHub (default: the one this folder is a clone of)')
      .option('--public-url <url>', 'the address of this server from outside', parseUrl)
      .option('--app', 'have GitHub make an App with the permissions and events that Signalbox needs')
      .option('--org <name>', 'with --app: the organization that the App belongs to (default: your own account)')
      .option('--no-browser', 'with --app: only print the address to open'),
    'with --app: give up',
  )
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox init\n  $ signalbox init --yes\n  $ signalbox init --app --no-browser',
    )
    .action(async (options: InitOptions) => {
      const outcome = await initialise(cli, options)
      cli.print(outcome, () => outcomeText(outcome))
    })
}

async function initialise(cli: Cli, options: InitOptions): Promise<Outcome> {
  const { folder } = cli
  const { values, makesApp } = await answersOf(cli, options)
  const env = { ...values, ...set(cli.env) }
  const environment = readEnvironment(env)
  if (makesApp) requireAppPossible(cli, environment)
  const secrets = await secretsFor(cli, environment)
  const settings = [
    ...(Object.entries(values) as [Asked, string][]).map(([name, value]) => ({ name, value, comment: COMMENTS[name] })),
    // An App brings its own.
    ...secrets.filter(({ name }) => !(makesApp && name === 'GITHUB_WEBHOOK_SECRET')),
  ]
  const isSet = (name: string) => cli.env[name]?.trim() !== undefined && cli.env[name]?.trim() !== ''
  const files = [await writeConfig(folder), await writeEnv(folder, settings, isSet), await writeIgnored(folder)]
  const app = makesApp ? await makeApp(cli, env, options) : null
  const now = readEnvironment({ ...parseEnv(await readFile(join(folder, '.env'), 'utf8')), ...set(cli.env) })
  return { files, app, open: openQuestions(now), warnings: await warningsOf(folder, now), next: nextCommands(cli, now) }
}

/** What was given by options, found, and answered. */
async function answersOf(cli: Cli, options: InitOptions): Promise<Answers> {
  const { repository, publicUrl, yes = false, app = false } = options
  const values = {
    ...(repository === undefined ? {} : { GITHUB_REPO: repository }),
    ...(publicUrl === undefined ? {} : { SIGNALBOX_PUBLIC_URL: publicUrl }),
  }
  const environment = readEnvironment({ ...values, ...set(cli.env) })
  const found = await findRepository(cli.folder, environment.GITHUB_API_URL)
  if (yes || cli.ask === undefined) {
    if (!yes && !cli.json()) cli.err('There is no terminal to ask at, so nothing is asked.\n')
    const GITHUB_REPO = environment.GITHUB_REPO ?? found
    return { values: { ...(GITHUB_REPO === null ? {} : { GITHUB_REPO }), ...values }, makesApp: app }
  }
  const answers = await askAll(cli, cli.ask, { environment, found, makesApp: app })
  return { ...answers, values: { ...values, ...answers.values } }
}

/** The variables with a value; an empty one counts as unset. */
function set(env: Cli['env']): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value]] : [])))
}

async function warningsOf(folder: string, { GITHUB_TOKEN: token, GITHUB_APP_ID: app }: Environment): Promise<string[]> {
  return [
    ...((await isTracked(folder, '.env'))
      ? ['Git has .env, with its secrets: run "git rm --cached .env", and replace what was ever pushed.']
      : []),
    ...(token !== undefined && app !== undefined ? ['GITHUB_TOKEN is used and not the App: take it out of .env.'] : []),
  ]
}

function nextCommands({ env }: Pick<Cli, 'env'>, environment: Environment): string[] {
  // What npx runs is not on the path.
  const own = env.npm_command === 'exec' ? 'npx signalbox' : 'signalbox'
  const { GITHUB_TOKEN: token, GITHUB_APP_ID: app } = environment
  return [
    `${own} dev`,
    `${own} doctor`,
    ...(token !== undefined ? [`${own} github hook`] : app === undefined ? [`${own} init --app`] : []),
  ]
}

const NEXT: readonly (readonly [end: string, what: string])[] = [
  ['dev', 'start it, on this machine only'],
  ['doctor', 'see what is set up, and what is not'],
  ['github hook', 'have GitHub send its webhooks here'],
  ['init --app', 'have GitHub make an App, or set GITHUB_TOKEN'],
]

function outcomeText({ files, app, open, warnings, next }: Outcome): string {
  const parts = [
    fields(files.map((file) => [file.path, fileText(file)])),
    app === null ? '' : `The App ${inline(app.name)} is made. Install it on your repositories: ${inline(app.install)}`,
    ...warnings,
    open.length === 0
      ? ''
      : `Only you can give these, in .env:\n${indent(fields(open.map(({ variable, remedy }) => [variable, remedy])))}`,
    `Next:\n${indent(fields(next.map((command) => [command, NEXT.find(([end]) => command.endsWith(end))?.[1] ?? ''])))}`,
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function fileText({ status, added, kept }: WrittenFile): string {
  const parts = [
    ...(added.length === 0 ? [status === 'changed' ? 'closed to others' : status] : [`added ${added.join(', ')}`]),
    ...(kept.length === 0 ? [] : [`kept ${kept.join(', ')}`]),
  ]
  return parts.filter((part, at) => part !== 'kept' || at === parts.length - 1).join('; ')
}
