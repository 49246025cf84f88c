// `signalbox endpoints recover`: what an endpoint missed, sent again.
import type { RecoveryInput } from '@signalbox/sdk'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { withId } from './id.ts'
import { parseTime } from './since.ts'
import type { Cli } from './terminal.ts'

const NOTHING =
  '0 deliveries: nothing of that time is to be sent again. Tests never are.\n' +
  'One that is pending follows its schedule; to attempt it now: signalbox deliveries redeliver <delivery-id>'

type Options = ServerOptions & {
  since: string
  until?: string
  status?: NonNullable<RecoveryInput['status']>
  type?: string
  to?: string
  dryRun?: boolean
}

/** Adds `endpoints recover`. */
export function addRecover(endpoints: Command, cli: Cli): void {
  withId(withServer(endpoints.command('recover')), 'endpoint')
    .description('send again what failed, or was skipped while it was disabled')
    .requiredOption('--since <time>', 'from when on: how long ago (2h, 3d), or a time', parseTime)
    .option('--until <time>', 'and until when (default: now)', parseTime)
    .addOption(new Option('--status <statuses...>', 'what became of them').choices(['failed', 'skipped', 'succeeded']))
    .option('--type <type>', 'only this event type, or glob such as "job.*"')
    .option('--to <endpoint-id>', 'send them to this endpoint in place of their own')
    .option('--dry-run', 'only count them')
    .addHelpText(
      'after',
      `
Examples:
  $ signalbox endpoints recover 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61 --since 2h --dry-run
  $ signalbox endpoints recover 6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61 --since 2026-01-31 --status failed`,
    )
    .action(async (id: string, { server, since, until, status, type, to, dryRun: dry_run }: Options) => {
      const asked = { since, until, status, type, endpoint_id: to, dry_run }
      const recovered = await clientOf(cli, { server }).endpoints.recover(id, asked)
      cli.print(recovered, () => {
        const deliveries = recovered.count === 1 ? '1 delivery' : `${recovered.count} deliveries`
        const more = recovered.more ? ' There are more: run it again when these are sent.' : ''
        if (recovered.count === 0) return NOTHING
        if (dry_run) return `${deliveries} would be sent again.${more}`
        return `${deliveries} ${recovered.count === 1 ? 'is' : 'are'} pending again.${more}`
      })
    })
}
