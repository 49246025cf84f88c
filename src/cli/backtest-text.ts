// A back-test in words: a table of the rules, examples, what it would cost, and what is not known.
import type { RuleSummary, RuleTally } from '@signalbox/sdk'
import { shortId } from '../lib/short-id.ts'
import type { Estimate } from '../replay/cost.ts'
import { estimate } from '../replay/cost.ts'
import type { Backtest } from './backtest.ts'
import { duration } from './duration.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count, indent, inline } from './text.ts'

type Row = RuleTally & { summary: RuleSummary | undefined; cost: Estimate | null }
type Example = RuleTally['examples']['new'][number]

const COLUMNS: readonly Column<Row>[] = [
  { title: 'RULE', value: ({ rule }) => rule, shrinks: true },
  { title: 'FIRES', value: ({ fires }) => fires },
  { title: 'AS BEFORE', value: ({ same }) => same },
  { title: 'NEW', value: (row) => row.new },
  { title: 'GONE', value: ({ gone }) => gone },
  { title: 'WOULD COST', value: ({ cost, fires }) => (fires === 0 ? '' : costText(cost)), shrinks: 20 },
]

const EXAMPLES: readonly Column<Example & { kind: string }>[] = [
  { title: '', value: ({ kind }) => kind },
  { title: 'EVENT', value: ({ event_id }) => event_id, short: shortId },
  { title: 'AGE', value: ({ received_at }) => age(received_at) },
  { title: 'TYPE', value: ({ event_type }) => event_type, shrinks: true },
  { title: 'ABOUT', value: ({ subject }) => subject, shrinks: true },
  { title: 'JOB', value: ({ job_id }) => job_id, short: shortId },
]

/** All of it. */
export function backtestText(cli: Cli, tested: Backtest): string {
  const { since, until, rules_of, cut, tally, rules, costs } = tested
  const rows = tally.rules.map((each): Row => {
    const summary = rules.find(({ name }) => name === each.rule)
    const cost = summary && estimate(costs, { rule: each.rule, agent: summary.agent, jobs: each.fires })
    return { ...each, summary, cost: cost ?? null }
  })
  const head = `${count(tally.events, 'event')} from ${since} until ${until ?? 'now'}, by the rules of ${inline(rules_of)}.`
  return [
    `${head}${cut ? ' There are more: --limit ended it.' : ''} Nothing was done.`,
    '',
    table(COLUMNS, rows, cli.columns),
    ...rows.flatMap((row) => examplesText(cli, row)),
    '',
    ...rows.flatMap(notesOf).map((note) => inline(`- ${note}`)),
    ...GENERAL.map((note) => `- ${note}`),
  ].join('\n')
}

function examplesText(cli: Cli, { rule, examples }: Row): string[] {
  const kinds = ['new', 'gone'] as const
  const shown = kinds.flatMap((kind) => examples[kind].map((each) => ({ ...each, kind })))
  if (shown.length === 0) return []
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  return ['', cli.paint('bold', inline(rule)), indent(table(EXAMPLES, shown, width))]
}

function costText(cost: Estimate | null): string {
  if (cost === null) return 'not known'
  const { tokens, usd, seconds } = cost
  return [
    ...(tokens > 0 ? [`${compact(tokens)} tokens`] : []),
    ...(usd === null ? [] : [`$${usd.toFixed(2)}`]),
    duration(seconds * 1000),
  ].join(', ')
}

function compact(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value)
}

/** How the cost of a rule was estimated, and what of it a back-test cannot know. */
function notesOf(row: Row): string[] {
  const { rule, summary } = row
  if (summary === undefined) return [`"${rule}" is not among these rules: it made jobs then.`]
  if (row.fires === 0) return []
  return [...stopNotes(rule, summary), ...costNotes(row, summary), ...limitNotes(row, summary)]
}

function stopNotes(rule: string, { off, paused }: RuleSummary): string[] {
  const why = off === null ? paused && `paused (${paused.reason})` : `off (${off})`
  return why === null ? [] : [`"${rule}" is ${why}: these are the jobs that it would make otherwise.`]
}

function costNotes({ rule, fires, cost }: Row, { agent }: RuleSummary): string[] {
  if (cost === null) return [`No completed job says what one of "${rule}" costs.`]
  const whose = cost.of === 'rule' ? 'its own' : `those of the agent ${agent}`
  return [`The cost of "${rule}" is ${fires} times the mean of ${count(cost.jobs, 'completed job')}, ${whose}.`]
}

function limitNotes({ rule, asks }: Row, { concurrency, debounce }: RuleSummary): string[] {
  const why = [
    ...(concurrency !== null && concurrency.mode !== 'queue' ? [`its mode is ${concurrency.mode}`] : []),
    ...(debounce === null ? [] : ['it waits for newer events']),
  ]
  return [
    ...(asks > 0 ? [`For ${asks} of "${rule}" GitHub would be asked who may: counted as if they may.`] : []),
    ...(why.length > 0 ? [`Of "${rule}" fewer are done, because ${why.join(' and ')}.`] : []),
  ]
}

const GENERAL = [
  'Ceilings, and what an agent would find on GitHub, are not known here. See one event: signalbox rules explain <event>',
]
