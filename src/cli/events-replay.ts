// `signalbox events replay`: stored events, done again by the rules of now.
import type { Replayed, ReplayInput, SignalboxClient } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { CliError } from './failure.ts'
import { progressOn } from './progress.ts'
import { parseTime } from './since.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count, inline, shellWord } from './text.ts'

// More jobs than this are asked about first.
const MANY = 1
const MAX_SHOWN = 20

type ReplayedJob = Replayed['jobs'][number]

const COLUMNS: readonly Column<ReplayedJob>[] = [
  { title: 'EVENT', value: (job) => job.event_id, short: shortId },
  { title: 'AGE', value: (job) => age(job.received_at) },
  { title: 'TYPE', value: (job) => job.event_type, shrinks: true },
  { title: 'ABOUT', value: ({ subject }) => subject, shrinks: true },
  { title: 'RULE', value: ({ rule }) => rule, shrinks: true },
  { title: 'JOB', value: ({ id }) => id, short: shortId },
  { title: 'NOTE', value: noteOf, shrinks: 20 },
]

type Options = ServerOptions & {
  since?: string
  until?: string
  type?: string
  source?: string
  rule?: string
  staged?: boolean
  asNew?: boolean
  dryRun?: boolean
  yes?: boolean
  replayId?: string
  by?: string
}

/** What of a job is not as of any other. */
function noteOf({ outcome, superseded_by, asks }: ReplayedJob): string {
  return [
    outcome === 'repeated' ? 'made before by this replay' : '',
    outcome === 'skipped' ? 'skipped: another job of its group has not ended' : '',
    superseded_by === null ? '' : `superseded by the newer job ${superseded_by}: --as-new runs it all the same`,
    asks.length === 0 ? '' : `the forge is asked whether ${asks.join(' and ')} may`,
  ]
    .filter((note) => note !== '')
    .join('; ')
}

/** Calls until there is no more, and puts the answers together. */
async function replayAll(cli: Cli, client: SignalboxClient, input: ReplayInput): Promise<Replayed> {
  const progress = progressOn(cli)
  let all = await client.events.replay(input)
  while (all.next !== null) {
    progress.say(`${count(all.events, 'event')}, ${count(all.jobs.length, 'job')} …`)
    const page = await client.events.replay({ ...input, after: all.next })
    all = {
      ...page,
      events: all.events + page.events,
      jobs: [...all.jobs, ...page.jobs],
      kept: [...all.kept, ...page.kept],
      warnings: [...all.warnings, ...page.warnings],
    }
  }
  progress.end()
  return all
}

type Announced = ReplayInput & ServerOptions

/**
 * The command that completes a replay that is cut off: it names what was meant, because 2h before
 * it is called is another time.
 */
function completing({ since, until, type, source, rule, by, staged, as_new, replay_id, server }: Announced): string {
  const given = { since, until, type, source, rule, by, server, 'replay-id': replay_id }
  const words = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  )
  const flags = [staged && '--staged', as_new && '--as-new', '--yes'].filter((flag) => flag)
  return ['signalbox events replay', ...words, ...flags].join(' ')
}

function replayText(cli: Cli, done: Replayed): string {
  const { jobs, kept, events, staged, dry_run, warnings, replay_id } = done
  const made = jobs.filter(({ outcome }) => outcome === 'made').length
  const what = `${count(events, 'event')}, ${count(made, staged ? 'staged job' : 'job')}`
  const more = jobs.length > MAX_SHOWN ? [`… ${jobs.length - MAX_SHOWN} more (--json has all)`] : []
  return [
    `${what}${dry_run ? ' would be made' : made === 0 ? '' : ' made'}.`,
    ...(jobs.length === 0 ? [] : ['', table(COLUMNS, jobs.slice(0, MAX_SHOWN), cli.columns), ...more]),
    ...keptText(kept),
    ...warnings.map((each) => inline(`Note: ${each}.`)),
    ...(done.as_new && made > 0 ? ['Their events count as new: what came after them in a group gives way.'] : []),
    ...(dry_run || made === 0 ? [] : ['', `To repeat this safely: --replay-id ${replay_id}`]),
    ...(dry_run || jobs.length === 0 ? [] : ['Endpoints are not notified again; that is: signalbox endpoints recover']),
  ].join('\n')
}

/** Why events made no job, each reason once. */
function keptText(kept: Replayed['kept']): string[] {
  const reasons = new Map<string, number>()
  for (const { reason } of kept) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  const most = [...reasons].sort(([, a], [, b]) => b - a).slice(0, MAX_SHOWN)
  return most.length === 0 ? [] : ['', ...most.map(([reason, n]) => `${count(n, 'event')}: ${inline(reason)}`)]
}

/**
 * Makes sure that many jobs are wanted.
 * @throws CliError `not_confirmed` when they are not, or nobody can be asked.
 */
async function confirm(cli: Cli, made: number): Promise<void> {
  const answer = (await cli.ask?.(`Make ${count(made, 'job')}? [y/N] `)) ?? null
  if (/^y(es)?$/i.test(answer?.trim() ?? '')) return
  const detail =
    answer === null ? `This would make ${count(made, 'job')}, and nobody can be asked.` : 'Nothing was replayed.'
  throw new CliError('not_confirmed', detail, 'Look with --dry-run, and add --yes to do it.')
}

/** Asks before many jobs are made of a span, and says how to complete what is cut off. */
async function announce(
  cli: Cli,
  client: SignalboxClient,
  { server, ...asked }: Announced,
  yes = false,
): Promise<void> {
  if (!yes) {
    const plan = await replayAll(cli, client, { ...asked, dry_run: true })
    const made = plan.jobs.filter(({ outcome }) => outcome === 'made').length
    if (made > MANY) {
      if (!cli.json()) cli.err(`${replayText(cli, plan)}\n`)
      await confirm(cli, made)
    }
  }
  cli.err(`If this is cut off, the rest is done, and nothing twice, by:\n  ${completing({ ...asked, server })}\n\n`)
}

/** Adds `events replay`. */
export function addEventsReplay(events: Command, cli: Cli): void {
  withServer(events.command('replay'))
    .argument('[event-id]', 'the id, or at least 6 characters of its beginning or end; without it --since')
    .description('give stored events the jobs that the rules make of them now')
    .option('--since <time>', 'those received from this time on: how long ago (2h, 3d), or a time', parseTime)
    .option('--until <time>', 'and until this time (default: now)', parseTime)
    .option('--type <type>', 'only this type, or a glob such as "issues.*"')
    .option('--source <name>', 'only from this source')
    .option('--rule <name>', 'only the jobs of this rule')
    .option('--staged', 'show what the jobs would write, and write nothing')
    .option('--as-new', 'let them take the place of newer jobs of their groups')
    .option('--by <name>', 'who you are, for the record')
    .option('--dry-run', 'only say which jobs would be made')
    .option('--yes', 'do not ask before many jobs are made')
    .option('--replay-id <uuid>', 'repeat a replay that may have been cut off: nothing is made twice')
    .addHelpText(
      'after',
      `
Examples:
  $ signalbox events replay 5b2d6c9e4a10 --staged --by jane
  $ signalbox events replay --since 2h --type "pull_request.*" --rule review --dry-run`,
    )
    .action(async (id: string | undefined, { server, asNew, dryRun, replayId, yes, ...given }: Options) => {
      if ((id === undefined) === (given.since === undefined)) {
        const hint = 'signalbox events replay <event-id>, or: signalbox events replay --since 2h'
        throw new CliError('usage', 'Give the id of an event or --since, and not both.', hint)
      }
      const client = clientOf(cli, { server })
      // Pages of one replay must not go on into what comes meanwhile.
      const until = given.until ?? (id === undefined ? new Date().toISOString() : undefined)
      const asked = { ...given, until, event_id: id, as_new: asNew, replay_id: replayId ?? crypto.randomUUID() }
      if (id === undefined && !dryRun) await announce(cli, client, { ...asked, server }, yes)
      const done = await replayAll(cli, client, { ...asked, dry_run: dryRun })
      cli.print(done, () => replayText(cli, done))
    })
}
