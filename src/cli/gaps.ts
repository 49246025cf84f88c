// `signalbox gaps`: when webhooks did not arrive, and what became of them.
import type { Gap, GapCheck, GapDetail, HookLook, HookState, Lacking, LevelCheck } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { Unsuccessful } from './failure.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count, inline, plain } from './text.ts'

const COLUMNS: readonly Column<Gap>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'FOUND', value: (gap) => age(gap.found_at) },
  { title: 'FROM', value: ({ began_at }) => minute(began_at) },
  { title: 'TO', value: ({ ended_at }) => minute(ended_at) },
  { title: 'MISSED', value: ({ deliveries, reason }) => (reason === null ? deliveries : 'unknown') },
  { title: 'RECOVERED', value: ({ recovered }) => recovered },
  { title: 'MATCHED', value: ({ matched }) => matched },
  { title: 'LOST', value: ({ lost }) => lost },
  { title: 'WEBHOOK', value: ({ hook }) => hook, shrinks: true },
]

const EVENTS: readonly Column<GapDetail['events'][number]>[] = [
  { title: 'SENT', value: ({ sent_at }) => sent_at },
  { title: 'TYPE', value: ({ type }) => type, shrinks: true },
  { title: 'ANSWERED', value: ({ status }) => status },
  {
    title: 'OUTCOME',
    value: ({ outcome, reason }) => (reason === null ? outcome : `${outcome}: ${reason}`),
    shrinks: true,
  },
  { title: 'EVENT', value: ({ event_id }) => event_id, short: shortId },
  { title: 'JOBS', value: ({ jobs }) => jobs },
]

const LACKING: readonly Column<Lacking>[] = [
  { title: 'WHAT', value: ({ subject }) => subject, shrinks: true },
  { title: 'EVENT', value: ({ type }) => type },
  { title: 'BY', value: ({ actor }) => actor, shrinks: true },
  { title: 'RULES', value: ({ rules }) => rules.join(', '), shrinks: true },
  { title: 'JOBS', value: ({ jobs }) => jobs.map(shortId).join(', ') },
]

const ID = '7c1d2b80-4f3e-8a21-9b60-5d0e1f2a3b4c'

function minute(time: string): string {
  return time.slice(0, 16).replace('T', ' ')
}

function gapText(cli: Cli, { events, ...gap }: GapDetail): string {
  const head = fields([
    ['gap', gap.id],
    ['webhook', gap.hook],
    ['from', gap.began_at],
    ['to', gap.ended_at],
    ['found', gap.found_at],
    ['reason', gap.reason],
    ['not acknowledged', gap.deliveries],
    [
      'refused with 401',
      gap.refused === 0 ? null : `${gap.refused}: the webhook has another secret; see "signalbox github hook --help"`,
    ],
    ['recovered', gap.recovered],
    ['matched a rule', gap.matched],
    ['redelivered', gap.arrived],
    ['lost', gap.lost],
    ['to be fetched', gap.pending],
  ])
  if (events.length === 0) return head
  const more = gap.deliveries > events.length ? `\nThe first ${events.length} of ${gap.deliveries}.` : ''
  return `${head}\n\n${table(EVENTS, events, cli.columns)}${more}`
}

function lookText({ hook, missed, recovered, arrived, lost, pending, ...look }: HookLook): string {
  const outcomes = [
    [recovered, 'recovered'],
    [arrived, 'redelivered meanwhile'],
    [lost, 'lost'],
    [pending, 'to be fetched'],
  ] as const
  const shown = outcomes.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`)
  const found = missed === 0 ? 'nothing is missing' : `${missed} missing: ${shown.join(', ')}`
  const listed = look.since === null ? '' : `${count(look.attempts, 'attempt')} since ${look.since}, ${found}`
  return `${plain(hook)}: ${[listed, inline(look.problem)].filter(Boolean).join('. ')}`
}

function checkText({ hooks, problems, dry_run: isDry }: GapCheck): string {
  const lines = [...hooks.map(lookText), ...problems.map(({ place, problem }) => `${plain(place)}: ${inline(problem)}`)]
  if (lines.length === 0) lines.push('There is no webhook to look at: no repository is set or named by a rule.')
  return [...lines, ...(isDry ? ['Nothing was changed.'] : [])].join('\n')
}

function levelText(cli: Cli, { fixed, items }: LevelCheck): string {
  if (items.length === 0) return 'Everything that stands open has its jobs.'
  const hint = fixed ? '' : `\n${cli.paint('dim', '"signalbox gaps level --fix" has the jobs made.')}`
  return `${table(LACKING, items, cli.columns)}${hint}`
}

/** What several looks at the same webhook came to. */
function together(earlier: readonly HookLook[], later: readonly HookLook[]): HookLook[] {
  return later.map((look) => {
    const before = earlier.find(({ hook }) => hook === look.hook)
    if (before === undefined) return look
    const [recovered, arrived, lost] = [
      before.recovered + look.recovered,
      before.arrived + look.arrived,
      before.lost + look.lost,
    ]
    const gaps = [...new Set([...before.gaps, ...look.gaps])]
    return { ...look, missed: recovered + arrived + lost + look.pending, recovered, arrived, lost, gaps }
  })
}

async function checkAll(
  cli: Cli,
  { dryRun = false, ...options }: ServerOptions & { dryRun?: boolean },
): Promise<GapCheck> {
  const client = clientOf(cli, options)
  let all = await client.gaps.check({ dryRun })
  for (let last = all; !last.complete && !dryRun && last.hooks.some(isProgress); ) {
    const sum = all.hooks.reduce((total, { recovered }) => total + recovered, 0)
    if (!cli.json()) cli.err(`${sum} recovered so far …\n`)
    last = await client.gaps.check({ dryRun })
    all = { ...last, hooks: together(all.hooks, last.hooks) }
  }
  return all
}

function isProgress({ recovered, arrived, lost }: HookLook): boolean {
  return recovered + arrived + lost > 0
}

/** Adds `gaps ls`, `show`, `hooks`, `level` and `check`. */
export function addGaps(gaps: Command, cli: Cli): void {
  withPaging(gaps.command('ls', { isDefault: true }))
    .description('list gaps, those found last first')
    .option('--hook <path>', 'only of this webhook: repos/acme/shop/hooks/42')
    .addHelpText('after', '\nExample:\n  $ signalbox gaps ls')
    .action(async ({ server, ...query }: PageOptions & { hook?: string }) => {
      printPage(cli, await clientOf(cli, { server }).gaps.list(query), 'gaps', COLUMNS)
    })
  withId(withServer(gaps.command('show')), 'gap')
    .description('show what was missed in one gap, and what became of it')
    .addHelpText('after', `\nExample:\n  $ signalbox gaps show ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const gap = await clientOf(cli, options).gaps.get(id)
      cli.print(gap, () => gapText(cli, gap))
    })
  withServer(gaps.command('hooks'))
    .description('list the webhooks that are looked at, and where none was found')
    .addHelpText('after', '\nExample:\n  $ signalbox gaps hooks')
    .action(async (options: ServerOptions) => {
      const columns: Column<HookState>[] = [
        { title: 'WEBHOOK', value: ({ hook }) => hook },
        { title: 'LOOKED', value: ({ looked_at }) => age(looked_at) },
        { title: 'PROBLEM', value: ({ problem }) => problem, shrinks: true },
      ]
      const none = 'No webhook is looked at. Why: signalbox gaps check --dry-run'
      printPage(cli, await clientOf(cli, options).gaps.hooks(), 'webhooks', columns, none)
    })
  withServer(gaps.command('level'))
    .description('list what stands open without the job that a rule would make of it')
    .option('--fix', 'have the jobs made')
    .addHelpText('after', '\nExample:\n  $ signalbox gaps level')
    .action(async ({ fix = false, ...options }: ServerOptions & { fix?: boolean }) => {
      const found = await clientOf(cli, options).gaps.level({ fix })
      cli.print(found, () => levelText(cli, found))
    })
  withServer(gaps.command('check'))
    .description('look for gaps now: fetch and record what did not arrive')
    .option('--dry-run', 'only say what is missing')
    .addHelpText(
      'after',
      '\nExit code: 1 when not everything could be looked at.\n\nExample:\n  $ signalbox gaps check --dry-run',
    )
    .action(async (options: ServerOptions & { dryRun?: boolean }) => {
      const found = await checkAll(cli, options)
      cli.print(found, () => checkText(found))
      if (!found.complete) throw new Unsuccessful()
    })
}
