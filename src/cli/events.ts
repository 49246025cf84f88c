// `signalbox events`: what happened.
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Page, Row } from './api-client.ts'
import { serverOf, withServer } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { age, fields, inline, plain } from './text.ts'

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => inline(row.id) },
  { title: 'AGE', value: (row) => age(row.received_at) },
  { title: 'SOURCE', value: (row) => inline(row.source) },
  { title: 'TYPE', value: (row) => inline(row.type), shrinks: true },
  { title: 'STATUS', value: (row) => inline(row.status) },
  { title: 'ABOUT', value: (row) => inline(row.subject), shrinks: true },
  { title: 'REASON', value: (row) => inline(row.reason), shrinks: true },
]

function eventText(row: Row, withPayload: boolean): string {
  const lines = fields([
    ['event', inline(row.id)],
    ['type', `${inline(row.type)} from ${inline(row.source)}`],
    ['status', inline(row.status)],
    ['reason', inline(row.reason)],
    ['about', inline(row.subject)],
    ['by', inline(row.actor)],
    ['facts', inline(row.facts)],
    ['delivery', inline(row.delivery_id)],
    ['received', inline(row.received_at)],
  ])
  return withPayload ? `${lines}\n\n${plain(JSON.stringify(row.payload, null, 2) ?? 'null')}` : lines
}

type ListOptions = PageOptions & { status?: string; type?: string; source?: string; about?: string }

/** Adds `events ls` and `events show`. */
export function addEvents(program: Command, cli: Cli): void {
  const events = program.command('events').description('what happened, and what became of it')
  withPaging(events.command('ls'))
    .description('list events, newest first')
    .addOption(new Option('--status <status>', 'only these').choices(['routed', 'ignored', 'rejected']))
    .option('--type <type>', 'only this type, or a glob such as "issues.*"')
    .option('--source <name>', 'only from this source')
    .option('--about <subject>', 'only about this, such as acme/shop#12')
    .addHelpText('after', '\nExample:\n  $ signalbox events ls --status ignored --type "pull_request.*"')
    .action(async ({ server, about, ...query }: ListOptions) => {
      const page = await serverOf(cli, { server }).get<Page>('api/events', { ...query, subject: about })
      printPage(cli, page, 'such events', COLUMNS)
    })
  withServer(events.command('show <event-id>'))
    .description('show one event, its status and the reason')
    .option('--payload', 'show what it said, too')
    .addHelpText('after', '\nExample:\n  $ signalbox events show 0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10 --payload')
    .action(async (id: string, { server, payload = false }: { server?: string; payload?: boolean }) => {
      const row = await serverOf(cli, { server }).get(`api/events/${encodeURIComponent(id)}`)
      const { payload: said, ...rest } = row
      cli.print(payload ? row : rest, () => eventText({ ...rest, payload: said }, payload))
    })
}
