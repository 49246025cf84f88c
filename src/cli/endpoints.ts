// `signalbox endpoints`: who asked to be told.
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Page, Row } from './api-client.ts'
import { parseUrl, serverOf, withServer } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { fields, inline } from './text.ts'

function listed(value: unknown, none: string): string {
  return Array.isArray(value) ? value.map(inline).join(', ') : none
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => inline(row.id) },
  { title: 'NAME', value: (row) => inline(row.name), shrinks: true },
  { title: 'STATUS', value: (row) => inline(row.status) },
  { title: 'EVENTS', value: (row) => listed(row.events, 'all'), shrinks: true },
  { title: 'ENVIRONMENTS', value: (row) => listed(row.environments, 'all') },
  { title: 'APPS', value: (row) => listed(row.apps, 'all'), shrinks: true },
  { title: 'URL', value: (row) => inline(row.url), shrinks: true },
]

function addedText(row: Row): string {
  const lines = fields([
    ['endpoint', inline(row.id)],
    ['name', inline(row.name)],
    ['url', inline(row.url)],
    ['events', listed(row.events, 'all')],
    ['environments', listed(row.environments, 'all')],
    ['apps', listed(row.apps, 'all')],
    ['secret', inline(row.secret)],
  ])
  return row.secret === undefined ? lines : `${lines}\n\nGive the secret to the receiver now: it is not shown again.`
}

type AddOptions = {
  server?: string
  url: string
  name?: string
  secret?: string
  events?: string[]
  environments?: string[]
  apps?: string[]
}

/** Adds `endpoints ls` and `endpoints add`. */
export function addEndpoints(program: Command, cli: Cli): void {
  const endpoints = program.command('endpoints').description('who asked to be told')
  withPaging(endpoints.command('ls'))
    .description('list endpoints, newest first')
    .addOption(new Option('--status <status>', 'only these').choices(['active', 'paused', 'disabled']))
    .addHelpText('after', '\nExample:\n  $ signalbox endpoints ls')
    .action(async ({ server, ...query }: PageOptions & { status?: string }) => {
      printPage(cli, await serverOf(cli, { server }).get<Page>('api/endpoints', query), 'such endpoints', COLUMNS)
    })
  withServer(endpoints.command('add'))
    .description('have events delivered to an address, signed')
    .requiredOption('--url <url>', 'where to deliver to', parseUrl)
    .option('--name <name>', 'its name in lists (default: the host)')
    .option('--events <types...>', 'event types or globs (default: environment.deployed)')
    .option('--environments <names...>', 'environments or globs (default: production)')
    .option('--apps <names...>', 'applications or globs (default: all)')
    .option(
      '--secret <secret>',
      'what deliveries are signed with; - reads it from standard input, where no process list shows it (default: one is made and shown once)',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ signalbox endpoints add --url https://hooks.example.com/signalbox --events environment.deployed "job.*"',
    )
    .action(async ({ server, ...wanted }: AddOptions) => {
      const secret = wanted.secret === '-' ? (await cli.readInput()).trim() : wanted.secret
      const row = await serverOf(cli, { server }).post('api/endpoints', { ...wanted, secret })
      cli.print(row, () => addedText(row))
    })
}
