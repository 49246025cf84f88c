// `signalbox pause` and `signalbox resume`: what is not begun, or not made, until a person says so.
import type { Pause, PauseInput, PauseKind } from '@signalbox/sdk'
import type { Command } from 'commander'
import { Option } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { printPage } from './page.ts'
import { parseTime } from './since.ts'
import type { Column } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count, inline, inOneLine } from './text.ts'

const WHAT: readonly Column<Pause>[] = [
  { title: 'PAUSED', value: ({ kind }) => kind },
  { title: 'NAME', value: ({ name }) => name, shrinks: true },
  { title: 'ID', value: ({ id }) => id, short: shortId },
]
const WHY: readonly Column<Pause>[] = [
  { title: 'BY', value: (pause) => pause.paused_by, shrinks: true },
  { title: 'ITS WORK IS', value: ({ effect }) => effect },
  { title: 'REASON', value: ({ reason }) => inOneLine(reason), shrinks: true },
]
const COLUMNS = [...WHAT, { title: 'FOR', value: ({ since }: Pause) => age(since) }, ...WHY]
const PAST_COLUMNS = [
  ...WHAT,
  { title: 'FROM', value: ({ since }: Pause) => since },
  { title: 'TO', value: ({ until }: Pause) => until ?? 'still' },
  ...WHY,
]

/** What can be paused, how it is named, and what that means. */
const KINDS: readonly { kind: PauseKind; argument?: string; holds: string; goesOn: string; example: string }[] = [
  {
    kind: 'everything',
    holds: 'begin no job and no delivery on any node; all of them are still recorded, and go on when it is resumed',
    goesOn: 'begin what was held, in its order',
    example: 'everything --reason "the forge is being moved"',
  },
  {
    kind: 'source',
    argument: 'name',
    holds:
      'begin nothing that follows from the events of a source; all of it is recorded, and goes on when it is resumed',
    goesOn: 'begin what was held of a source, in its order',
    example: 'source github --reason "a flood of pushes"',
  },
  {
    kind: 'rule',
    argument: 'name',
    holds: 'let a rule make no jobs; events of that time get none later, and what it made before goes on',
    goesOn: 'let a rule make jobs again, for the events from now on',
    example: 'rule deployment-pr --reason "the release is frozen"',
  },
  {
    kind: 'endpoint',
    argument: 'endpoint-id',
    holds: 'send an endpoint nothing; its deliveries are made, and sent when it is resumed',
    goesOn: 'send an endpoint what was held, and what comes',
    example: 'endpoint 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61',
  },
]

type Options = ServerOptions & { reason?: string; by?: string; stopRunning?: boolean; cancelRunning?: boolean }

/** Adds `pause everything`, `source`, `rule`, `endpoint` and `ls`. */
export function addPause(pause: Command, cli: Cli): void {
  for (const { kind, argument, holds, example } of KINDS) {
    const command = withServer(pause.command(argument === undefined ? kind : `${kind} <${argument}>`))
      .description(holds)
      .option('--reason <text>', 'why: shown wherever something does not begin because of it')
      .addHelpText('after', `\nExample:\n  $ signalbox pause ${example}`)
    if (kind !== 'endpoint') command.option('--by <name>', 'who you are, for the record')
    if (kind !== 'endpoint') withRunning(command)
    command.action(async (...given: unknown[]) => {
      const { name, options } = readGiven(given, argument)
      const { reason, by, stopRunning, cancelRunning, ...server } = options
      const running: PauseInput['running'] = stopRunning ? 'stop' : cancelRunning ? 'cancel' : undefined
      const paused = await clientOf(cli, server).pauses.pause({ kind, name, reason, by, running })
      cli.print(paused, () => {
        const ended = stopRunning ? 'stopped' : 'cancelled'
        const jobs =
          paused.stopped === 0
            ? ''
            : ` ${count(paused.stopped, 'running job')} ${paused.stopped === 1 ? 'is' : 'are'} being ${ended}.`
        return `${pausedText(paused)}${jobs}\nTo let it go on: signalbox resume ${inline([kind, name].filter(Boolean).join(' '))}`
      })
    })
  }
  withServer(pause.command('ls'))
    .description('list what is paused, since when and why')
    .option('--since <time>', 'also what was paused then or later, up to a year ago: 2h, 3d, or a time', parseTime)
    .addHelpText('after', '\nExamples:\n  $ signalbox pause ls\n  $ signalbox pause ls --since 1d')
    .action(async ({ server, since }: PageOptions & { since?: string }) => {
      const { items } = await clientOf(cli, { server }).pauses.list({ since })
      if (items.length === 0 && !cli.json()) return cli.out(`Nothing is${since ? ' or was' : ''} paused.\n`)
      printPage(cli, { items, next: null }, 'pauses', since === undefined ? COLUMNS : PAST_COLUMNS)
    })
}

/** Adds `resume everything`, `source`, `rule` and `endpoint`. */
export function addResume(resume: Command, cli: Cli): void {
  for (const { kind, argument, goesOn, example } of KINDS) {
    withServer(resume.command(argument === undefined ? kind : `${kind} <${argument}>`))
      .description(goesOn)
      .addHelpText('after', `\nExample:\n  $ signalbox resume ${example.replace(/ --reason.*/, '')}`)
      .action(async (...given: unknown[]) => {
        const { name, options } = readGiven(given, argument)
        const resumed = await clientOf(cli, options).pauses.resume({ kind, name })
        cli.print(resumed, () => {
          const what = inline([kind, resumed.name].filter(Boolean).join(' '))
          const all = resumed.still_paused.some((each) => each.kind === 'everything')
          const rest = all
            ? '\nNothing begins yet: everything is paused. To let it go on: signalbox resume everything'
            : ''
          return `${resumed.resumed ? `The pause of ${what} is over.` : `It was not paused: ${what}.`}${rest}`
        })
      })
  }
}

function withRunning(command: Command): void {
  command
    .addOption(
      new Option('--stop-running', 'stop its running jobs; they go on after their last step').conflicts(
        'cancelRunning',
      ),
    )
    .option('--cancel-running', 'cancel its running jobs (default: they run to their end)')
}

/** Commander passes the arguments, then the options. */
function readGiven(
  given: readonly unknown[],
  argument: string | undefined,
): { name: string | undefined; options: Options } {
  const [first, second] = given
  return argument === undefined
    ? { name: undefined, options: first as Options }
    : { name: String(first), options: second as Options }
}

function pausedText({ kind, name, reason, effect }: Pause): string {
  const what = name === null ? 'Everything' : `The ${kind} ${inline(name)}`
  const holds = effect === 'held' ? 'its work is held until it is resumed' : 'it makes no jobs until it is resumed'
  return `${what} is paused (${inline(reason)}): ${holds}.`
}
