// `signalbox endpoints`: which addresses are notified of events.
import type { CreatedEndpoint, Endpoint, EndpointInput, EndpointStatus } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, parseUrl, withServer } from './api-client.ts'
import { addEndpointTest } from './endpoint-test.ts'
import { onConflict } from './failure.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'

function listed(globs: readonly string[] | null): string {
  return globs === null ? 'all' : globs.join(', ')
}

function statusOf({ status, status_reason }: Endpoint): string {
  // A server of an older release says no reason.
  return (status_reason ?? null) === null ? status : `${status}: ${status_reason}`
}

function withoutScheme(url: string): string {
  return url.replace(/^https:\/\//, '')
}

const COLUMNS: readonly Column<Endpoint>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'NAME', value: ({ name }) => name, shrinks: true },
  { title: 'STATUS', value: statusOf, shrinks: true },
  { title: 'EVENTS', value: ({ events }) => listed(events), shrinks: true },
  { title: 'ENVIRONMENTS', value: ({ environments }) => listed(environments), shrinks: true },
  { title: 'APPS', value: ({ apps }) => listed(apps), shrinks: true },
  { title: 'URL', value: ({ url }) => url, short: withoutScheme, shrinks: 24 },
]

function addedText(endpoint: CreatedEndpoint): string {
  const lines = fields([
    ['endpoint', endpoint.id],
    ['name', endpoint.name],
    ['url', endpoint.url],
    ['events', listed(endpoint.events)],
    ['environments', listed(endpoint.environments)],
    ['apps', listed(endpoint.apps)],
    ['secret', endpoint.secret],
  ])
  return endpoint.secret === undefined
    ? lines
    : `${lines}\n\nGive the secret to the receiver now: it is not shown again.`
}

/** Adds `endpoints ls` and `endpoints add`. */
export function addEndpoints(endpoints: Command, cli: Cli): void {
  addEndpointTest(endpoints, cli)
  withPaging(endpoints.command('ls'))
    .description('list endpoints, newest first')
    .addOption(statusOption<EndpointStatus>({ active: true, paused: true, disabled: true }))
    .addHelpText('after', '\nExample:\n  $ signalbox endpoints ls')
    .action(async ({ server, ...query }: PageOptions & { status?: EndpointStatus }) => {
      printPage(cli, await clientOf(cli, { server }).endpoints.list(query), 'such endpoints', COLUMNS)
    })
  withServer(endpoints.command('add'))
    .description('have events delivered to an address, signed')
    .requiredOption('--url <url>', 'where to deliver to', parseUrl)
    .option('--name <name>', 'its name in lists, which no other has yet (default: the host)')
    .option('--events <types...>', 'event types or globs (default: environment.deployed)')
    .option('--environments <names...>', 'environments or globs (default: production)')
    .option('--apps <names...>', 'applications or globs (default: all)')
    .option(
      '--secret <secret>',
      'what deliveries are signed with; - reads it from standard input, where no process list shows it (default: one is made and shown once)',
    )
    .option('--force', 'take event types that nobody is known to send')
    .addHelpText(
      'after',
      '\nExample:\n  $ signalbox endpoints add --url https://hooks.example.com/signalbox --events environment.deployed "job.*"',
    )
    .action(async ({ server, ...wanted }: ServerOptions & EndpointInput) => {
      const secret = wanted.secret === '-' ? (await cli.readInput()).trim() : wanted.secret
      const client = clientOf(cli, { server })
      const asked = client.endpoints.create({ ...wanted, secret })
      const endpoint = await onConflict('Give it another --name; signalbox endpoints ls shows the others.', asked)
      cli.print(endpoint, () => addedText(endpoint))
    })
}
