// `signalbox events`: what happened.
import type { EventDetail, EventStatus, EventSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { addEventTypes } from './event-types.ts'
import { addEventsTail } from './events-tail.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, plain } from './text.ts'

const COLUMNS: readonly Column<EventSummary>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'AGE', value: (event) => age(event.received_at) },
  { title: 'SOURCE', value: ({ source }) => source },
  { title: 'TYPE', value: ({ type }) => type, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ABOUT', value: ({ subject }) => subject, shrinks: true },
  { title: 'REASON', value: ({ reason }) => reason, shrinks: true },
]

function eventText(event: EventDetail, withPayload: boolean): string {
  const lines = fields([
    ['event', event.id],
    ['type', `${event.type} from ${event.source}`],
    ['status', event.status],
    ['reason', event.reason],
    ['about', event.subject],
    ['by', event.actor],
    ['facts', event.facts],
    ['sent from', event.headers.remote],
    ['delivery', event.delivery_id],
    ['received', event.received_at],
  ])
  return withPayload ? `${lines}\n\n${plain(JSON.stringify(event.payload, null, 2))}` : lines
}

type ListOptions = PageOptions & { status?: EventStatus; type?: string; source?: string; about?: string }

/** Adds `events ls`, `events tail`, `events show` and `events types`. */
export function addEvents(events: Command, cli: Cli): void {
  addEventTypes(events, cli)
  withPaging(events.command('ls'))
    .description('list events, newest first')
    .addOption(statusOption<EventStatus>({ routed: true, ignored: true, rejected: true }))
    .option('--type <type>', 'only this type, or a glob such as "issues.*"')
    .option('--source <name>', 'only from this source')
    .option('--about <subject>', 'only about this, such as acme/shop#12')
    .addHelpText('after', '\nExample:\n  $ signalbox events ls --status ignored --type "pull_request.*"')
    .action(async ({ server, about, ...query }: ListOptions) => {
      const page = await clientOf(cli, { server }).events.list({ ...query, subject: about })
      printPage(cli, page, 'such events', COLUMNS)
    })
  addEventsTail(events, cli)
  withId(withServer(events.command('show')), 'event')
    .description('show one event, its status and the reason')
    .option('--payload', 'show what it said, too')
    .addHelpText('after', '\nExample:\n  $ signalbox events show 0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10 --payload')
    .action(async (id: string, { server, payload = false }: ServerOptions & { payload?: boolean }) => {
      const event = await clientOf(cli, { server }).events.get(id)
      const { payload: _, ...withoutPayload } = event
      cli.print(payload ? event : withoutPayload, () => eventText(event, payload))
    })
}
