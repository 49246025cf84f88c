// `signalbox rules`: which events become which jobs, and why one did or did not.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RuleSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { eventWarnings } from '../config/event-warnings.ts'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { withConfigFile } from './config-file.ts'
import type { ConfiguredOptions } from './configured.ts'
import { printConfigured, withConfigured } from './configured.ts'
import { addRulesBacktest } from './rules-backtest.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { inline } from './text.ts'

const COLUMNS: readonly Column<RuleSummary>[] = [
  { title: 'NAME', value: (rule) => rule.name },
  { title: 'ON', value: (rule) => rule.on.join(', '), shrinks: true },
  { title: 'COMMAND', value: commandText, shrinks: true },
  { title: 'FROM', value: (rule) => rule.source?.join(', ') ?? 'any' },
  { title: 'AGENT', value: (rule) => rule.agent },
  { title: 'PRIORITY', value: (rule) => rule.priority },
  { title: 'WHO', value: whoText, shrinks: true },
  { title: 'WRITES', value: writesText, shrinks: true },
  { title: 'WHEN', value: (rule) => rule.when ?? 'always', shrinks: true },
]

function commandText({ command }: RuleSummary): string | null {
  return command === null ? null : `/${command.name}`
}

function whoText({ who }: RuleSummary): string {
  if (who === null) return 'any'
  return typeof who === 'string'
    ? who
    : Object.entries(who)
        .map(([name, value]) => `${name} ${[value].flat().join(' or ')}`)
        .join(', ')
}

/** What of its writing is not the default. */
function writesText({ outputs, repositories, staged }: RuleSummary): string {
  return [
    outputs === null ? '' : Object.keys(outputs).join(', '),
    repositories === null ? '' : `to ${repositories.join(', ')}`,
    staged ? 'staged' : '',
  ]
    .filter((text) => text !== '')
    .join('; ')
}

type Verdict = { matched: boolean; sentence: string; job?: { id: string; status: string; error: string | null } | null }

/** Why every rule and endpoint did or did not match, as the server and `explain` say it. */
export type Explained = {
  event: { source?: string; type: string; status?: string; reason?: string | null; facts?: unknown }
  rules: readonly (Verdict & { rule: string })[]
  endpoints?: readonly (Verdict & { endpoint: string })[]
  waits?: readonly (Verdict & { job_id: string; name: string })[]
  /** Of an event in a file, whose rules these are. */
  rules_of?: string
}

function explainedText(cli: Cli, { event, rules, endpoints = [], waits = [], rules_of }: Explained): string {
  const line = (name: string, { matched, sentence, job }: Verdict) =>
    `${matched ? cli.paint('green', '✓') : cli.paint('dim', '✗')} ${inline(name)}: ${inline(sentence)}${madeText(job)}`
  const head = fields([
    ['event', event.source === undefined ? event.type : `${event.type} from ${event.source}`],
    ['facts', event.facts],
    ['status', event.status],
    ['reason', event.reason],
    ['rules of', rules_of],
  ])
  const answers = [
    ...rules.map((each) => line(`rule ${each.rule}`, each)),
    ...endpoints.map((each) => line(`endpoint ${each.endpoint}`, each)),
    ...waits.map((each) => line(`job ${shortId(each.job_id)}, waiting for ${each.name}`, each)),
  ]
  return `${head}\n\n${answers.length > 0 ? answers.join('\n') : 'There are no rules.'}`
}

/** What the rule made of the event when it came, whatever it would do now. */
function madeText(job: Verdict['job']): string {
  if (job == null) return ''
  const { id, status, error } = job
  return `\n  It made the job ${id}: ${inline(status)}${error === null ? '' : `, ${inline(error)}`}`
}

/** Nothing of a rule that makes jobs. */
function stopText({ name, off, paused }: RuleSummary): string[] {
  if (off !== null) return [`${name} is off: ${off}`]
  return pauseText({ name, paused })
}

function pauseText({ name, paused }: Pick<RuleSummary, 'name' | 'paused'>): string[] {
  if (paused === null) return []
  return [`${name} is paused since ${paused.since}: ${paused.reason} To let it go on: signalbox rules resume ${name}`]
}

function addPausing(rules: Command, cli: Cli): void {
  withServer(rules.command('pause <name>'))
    .description('let a rule make no jobs until it is resumed; those that it made go on')
    .option('--reason <text>', 'why: shown with the rule, and with the events that get no job')
    .addHelpText('after', '\nExample:\n  $ signalbox rules pause deployment-pr --reason "the release is frozen"')
    .action(async (name: string, { reason, ...options }: ServerOptions & { reason?: string }) => {
      const rule = await clientOf(cli, options).rules.pause(name, { reason })
      cli.print(rule, () => inline(pauseText(rule).join()))
    })
  withServer(rules.command('resume <name>'))
    .description('let a paused rule make jobs again, for the events from now on')
    .addHelpText('after', '\nExample:\n  $ signalbox rules resume deployment-pr')
    .action(async (name: string, options: ServerOptions) => {
      const rule = await clientOf(cli, options).rules.resume(name)
      cli.print(rule, () => `The rule ${inline(name)} makes jobs again.`)
    })
}

// A whole id, or a part of one; the server says what it means.
const IS_ID = /^[0-9a-f-]{6,36}$/i

/** The options of `rules explain`. */
export type ExplainOptions = ServerOptions & { config?: string; githubEvent?: string; source?: string }

/** Adds `rules ls`, `rules explain`, `rules backtest`, `rules pause` and `rules resume`. */
export function addRules(rules: Command, cli: Cli): void {
  addPausing(rules, cli)
  addRulesBacktest(rules, cli)
  withConfigured(rules.command('ls'))
    .description('list the configured rules, in order')
    .addHelpText('after', '\nExamples:\n  $ signalbox rules ls\n  $ signalbox rules ls --local')
    .action(async (options: ConfiguredOptions) => {
      let warnings: string[] = []
      let stops: string[] = []
      await printConfigured<RuleSummary>(cli, options, {
        noun: 'rules',
        columns: COLUMNS,
        async ask(client) {
          const [{ items }, sources] = await Promise.all([client.rules.list(), client.sources.list()])
          stops = items.flatMap(stopText)
          warnings = eventWarnings(
            items,
            sources.items.map(({ name }) => name),
          )
          return items
        },
        async read({ rules, sources }) {
          const { ruleRow } = await import('../rules/wire.ts')
          warnings = eventWarnings(rules, sources.keys())
          const rows = rules.map((rule) => ruleRow(rule))
          stops = rows.flatMap(stopText)
          return rows
        },
      })
      if (!cli.json()) for (const each of stops) cli.out(`${inline(each)}\n`)
      for (const each of warnings) cli.err(`signalbox: ${inline(each)}\n`)
    })
  withConfigFile(withServer(rules.command('explain <event-id|file>')))
    .description(
      'say for every rule why an event matches it or not: the server for a recorded event, the configuration of this folder for one in a file',
    )
    .option('--github-event <name>', 'the event of the file as GitHub names it, where the file does not show it')
    .option('--source <name>', 'the source the file is taken to come from')
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox rules explain 0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10\n  $ signalbox rules explain payload.json --github-event pull_request',
    )
    .action(async (what: string, options: ExplainOptions) => {
      const isRecorded = IS_ID.test(what) && !existsSync(resolve(cli.folder, what))
      const explained = isRecorded
        ? await clientOf(cli, options).events.explain(what)
        : await (await import('./explain-file.ts')).explainFile(cli, what, options)
      cli.print(explained, () => explainedText(cli, explained))
    })
}
