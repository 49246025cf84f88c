// `signalbox rules`: which events become which jobs, and why one did or did not.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { isUuid } from '../lib/id.ts'
import { explain } from '../rules/explain.ts'
import type { Rule } from '../rules/rule.ts'
import { serverOf, withServer } from './api-client.ts'
import { eventIn } from './event-file.ts'
import { readJsonFile } from './json-file.ts'
import { loadConfigured, withConfigFile } from './settings.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { fields, inline, plain, table } from './text.ts'

function words(globs: unknown): string {
  return [globs].flat().map(inline).join(', ')
}

const COLUMNS: readonly Column<Rule>[] = [
  { title: 'NAME', value: (rule) => inline(rule.name) },
  { title: 'ON', value: (rule) => words(rule.on), shrinks: true },
  { title: 'FROM', value: (rule) => rule.source ?? 'any' },
  { title: 'AGENT', value: (rule) => inline(rule.agent) },
  { title: 'PRIORITY', value: (rule) => String(rule.priority ?? 5) },
  { title: 'WHEN', value: (rule) => (rule.when === undefined ? 'always' : inline(rule.when)), shrinks: true },
]

type Verdict = { matched: boolean; sentence: string }

/** Why every rule and endpoint did or did not match, as the server and `explain` say it. */
type Explained = {
  event: { source?: string; type: string; status?: string; reason?: string | null; facts?: unknown }
  rules: (Verdict & { rule: string })[]
  endpoints?: (Verdict & { endpoint: string })[]
}

function explainedText(cli: Cli, { event, rules, endpoints = [] }: Explained): string {
  const line = (name: string, { matched, sentence }: Verdict) =>
    `${matched ? cli.paint('green', '✓') : cli.paint('dim', '✗')} ${inline(name)}: ${plain(sentence)}`
  const head = fields([
    ['event', `${inline(event.type)}${event.source === undefined ? '' : ` from ${inline(event.source)}`}`],
    ['facts', inline(event.facts)],
    ['status', inline(event.status)],
    ['reason', inline(event.reason)],
  ])
  const answers = [
    ...rules.map((each) => line(`rule ${each.rule}`, each)),
    ...endpoints.map((each) => line(`endpoint ${each.endpoint}`, each)),
  ]
  return `${head}\n\n${answers.length > 0 ? answers.join('\n') : 'There are no rules.'}`
}

type ExplainOptions = { server?: string; config?: string; event?: string; source?: string }

async function explainFile(cli: Cli, file: string, options: ExplainOptions): Promise<Explained> {
  const event = eventIn(await readJsonFile(cli, file), file, options)
  const { rules } = await loadConfigured(cli, options)
  return { event, rules: rules.map((rule) => explain(rule, event)) }
}

/** Adds `rules ls` and `rules explain`. */
export function addRules(program: Command, cli: Cli): void {
  const rules = program.command('rules').description('which events become which jobs')
  withConfigFile(rules.command('ls'))
    .description('list the configured rules, in order')
    .addHelpText('after', '\nExample:\n  $ signalbox rules ls')
    .action(async (options: { config?: string }) => {
      const { rules: items } = await loadConfigured(cli, options)
      cli.print({ items, next: null }, () =>
        items.length === 0 ? 'There are no rules.' : table(COLUMNS, items, cli.columns),
      )
    })
  withConfigFile(withServer(rules.command('explain <event-id|file>')))
    .description('say for every rule why an event matches it or not: a recorded event, or one in a file')
    .option('--event <name>', "the file's event as GitHub names it, where the file does not show it: pull_request")
    .option('--source <name>', 'the source the file is taken to come from')
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox rules explain 0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10\n  $ signalbox rules explain payload.json --event pull_request',
    )
    .action(async (what: string, options: ExplainOptions) => {
      const isRecorded = isUuid(what) && !existsSync(resolve(cli.folder, what))
      const explained = isRecorded
        ? await serverOf(cli, options).get<Explained>(`api/events/${what}/explain`)
        : await explainFile(cli, what, options)
      cli.print(explained, () => explainedText(cli, explained))
    })
}
