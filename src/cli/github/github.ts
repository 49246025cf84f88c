// `signalbox github`: the webhook on GitHub, made, repaired, tried and removed.
import type { Command } from 'commander'
import type { Hook } from '../../forges/github/hook-settings.ts'
import type { ServerOptions } from '../api-client.ts'
import { parseUrl, withServer } from '../api-client.ts'
import { withConfigFile } from '../config-file.ts'
import { Unsuccessful } from '../failure.ts'
import type { Column } from '../table.ts'
import { fields, table } from '../table.ts'
import type { Cli } from '../terminal.ts'
import { count, inline, sentence } from '../text.ts'
import type { Timeout } from '../wait.ts'
import { withTimeout } from '../wait.ts'
import type { PingResult } from './ping.ts'
import { asking, openPlace } from './place.ts'
import type { SetHook } from './set-hook.ts'
import { removeHooks, setHook } from './set-hook.ts'

/** Which webhooks are meant, and the address that they post to. */
export type PlaceOptions = { org?: string; publicUrl?: string; config?: string }

/** The options of `github hook`. */
export type HookOptions = PlaceOptions & ServerOptions & { replace?: boolean; dryRun?: boolean; timeout: Timeout }

const COLUMNS: readonly Column<Hook>[] = [
  { title: 'WEBHOOK', value: ({ path }) => path },
  { title: 'POSTS TO', value: ({ url }) => url, shrinks: 20 },
  { title: 'ACTIVE', value: ({ active }) => (active ? 'yes' : 'no') },
  { title: 'FORM', value: ({ contentType }) => contentType },
  { title: 'TLS', value: ({ verifiesTls }) => (verifiesTls ? 'verified' : 'not verified') },
  { title: 'SECRET', value: ({ hasSecret }) => (hasSecret ? 'yes' : 'no') },
  { title: 'EVENTS', value: ({ events }) => events.join(', '), shrinks: true },
]

const PING_TIMEOUT: Timeout = { text: '1m', ms: 60_000 }

const EXAMPLES =
  '\nExit code: 1 when the ping does not arrive.\n\nExamples:\n  $ signalbox github hook\n' +
  '  $ signalbox github hook set acme/shop --dry-run\n  $ signalbox github hook --org acme\n' +
  '  $ signalbox github hook --replace --public-url https://new.example.com'

/** Completes `github`. */
export function addGithub(github: Command, cli: Cli): void {
  const hook = github
    .command('hook')
    .description('have GitHub send the webhooks of a repository or an organization here, and see that they arrive')
  withTimeout(
    withServer(withPlace(hook.command('set [repository]', { isDefault: true }))),
    'give up waiting for the ping',
    PING_TIMEOUT,
  )
    .description('make the webhook, or repair what differs of it; then ping, and wait until that has arrived')
    .option('--replace', 'move the webhook that posts to another address of a Signalbox here')
    .option('--dry-run', 'only say what would be done')
    .addHelpText('after', EXAMPLES)
    .action(async (repository: string | undefined, options: HookOptions) => {
      const result = await asking(setHook(cli, repository, options))
      cli.print(result, () => resultText(result))
      if (result.ping !== null && !result.ping.arrived) throw new Unsuccessful()
    })
  withPlace(hook.command('ls [repository]'))
    .description('list the webhooks that are there, whoever they post to')
    .addHelpText('after', '\nExample:\n  $ signalbox github hook ls acme/shop')
    .action(async (repository: string | undefined, options: PlaceOptions) => {
      const items = await asking(openPlace(cli, repository, options).hooks.list())
      cli.print({ items }, () => (items.length === 0 ? 'There are none.' : table(COLUMNS, items, cli.columns)))
    })
  withPlace(hook.command('rm [repository]'))
    .description('remove the webhook that posts to this server')
    .addHelpText('after', '\nExample:\n  $ signalbox github hook rm acme/shop')
    .action(async (repository: string | undefined, options: PlaceOptions) => {
      const items = await asking(removeHooks(cli, repository, options))
      cli.print(
        { items },
        () => `Removed ${count(items.length, 'webhook')}: ${items.map(({ path }) => path).join(', ')}`,
      )
    })
}

function withPlace(command: Command): Command {
  return withConfigFile(command)
    .option('--org <name>', 'of an organization, in place of a repository (default: the repository of GITHUB_REPO)')
    .option('--public-url <url>', 'the address of this server from outside (default: SIGNALBOX_PUBLIC_URL)', parseUrl)
}

const DONE = {
  created: 'was made',
  changed: 'was repaired',
  unchanged: 'was as it should be',
  'would be created': 'would be made',
  'would be changed': 'would be repaired',
} as const

function resultText({ hook, status, url, events, changes, others, ping }: SetHook): string {
  return [
    fields([
      ['webhook', `${hook} ${DONE[status]}${changes.length === 0 ? '' : `: ${inline(changes.join('; '))}`}`],
      ['posts to', url],
      ['events', events.includes('*') ? 'all' : events.join(', ')],
      ['ping', ping === null ? '' : pingText(ping)],
    ]),
    ...(others.length === 0
      ? []
      : [`Another one posts to the same address, and brings everything twice: ${others.join(', ')}`]),
    ...(ping === null || ping.remedy === null ? [] : [`→ ${inline(ping.remedy)}`]),
  ].join('\n')
}

function pingText({ arrived, tookMs, answeredMs, eventId, detail }: PingResult): string {
  if (!arrived) return `did not arrive: ${inline(detail)}`
  const answered = answeredMs === null ? '' : `, answered to GitHub in ${seconds(answeredMs)}`
  const as = eventId === null ? sentence(inline(detail)) : `It is the event ${eventId}.`
  return `arrived after ${seconds(tookMs)}${answered}. ${as}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 1000 ? 2 : 1)} s`
}
