// `signalbox events`: what happened.
import type { Delivery, EventDetail, EventStatus, EventSummary, JobSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { addEventTypes } from './event-types.ts'
import { addEventsReplay } from './events-replay.ts'
import { addEventsTail } from './events-tail.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, indent, inOneLine, plain } from './text.ts'

const MAX_SHOWN = 100

const COLUMNS: readonly Column<EventSummary>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'AGE', value: (event) => age(event.received_at) },
  { title: 'SOURCE', value: ({ source }) => source },
  { title: 'TYPE', value: ({ type }) => type, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ABOUT', value: ({ subject }) => subject, shrinks: true },
  { title: 'REASON', value: ({ reason }) => reason, shrinks: true },
]

const JOBS: readonly Column<JobSummary>[] = [
  { title: 'JOB', value: ({ id }) => id, short: shortId },
  { title: 'RULE', value: ({ rule }) => rule, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ERROR', value: ({ error }) => error && inOneLine(error), shrinks: true },
]
const DELIVERIES: readonly Column<Delivery>[] = [
  { title: 'DELIVERY', value: ({ id }) => id, short: shortId },
  { title: 'ENDPOINT', value: (delivery) => delivery.endpoint_name, shrinks: true },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'ERROR', value: ({ error }) => error && inOneLine(error), shrinks: true },
]

/** An event, and what followed from it. */
type Followed = Omit<EventDetail, 'payload'> & { payload?: EventDetail['payload'] } & {
  jobs: JobSummary[]
  deliveries: Delivery[]
}

function eventText(cli: Cli, event: Followed): string {
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  const section = <Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]): string[] =>
    rows.length === 0 ? [] : [`${cli.paint('bold', title)}\n${indent(table(columns, rows, width))}`]
  const head = fields([
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
    ['recovered', event.recovered_at && 'by a check for gaps, because it had not arrived'],
    ['body', event.body_pruned_at && `deleted on ${event.body_pruned_at}, because it was old`],
  ])
  return [
    head,
    ...section('Jobs', JOBS, event.jobs),
    ...section('Deliveries', DELIVERIES, event.deliveries),
    ...(event.payload === undefined ? [] : [plain(JSON.stringify(event.payload, null, 2))]),
  ].join('\n\n')
}

type ListOptions = PageOptions & { status?: EventStatus; type?: string; source?: string; about?: string }

/** Adds `events ls`, `events tail`, `events show`, `events replay` and `events types`. */
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
  addEventsReplay(events, cli)
  withId(withServer(events.command('show')), 'event')
    .description('show one event, its status and the reason, and what followed from it')
    .option('--payload', 'show what it said, too')
    .addHelpText('after', '\nExample:\n  $ signalbox events show 0199f0a2-7c1e-7d3a-8f00-5b2d6c9e4a10 --payload')
    .action(async (id: string, { server, payload = false }: ServerOptions & { payload?: boolean }) => {
      const client = clientOf(cli, { server })
      const { payload: says, ...event } = await client.events.get(id)
      const of = { event_id: event.id, limit: MAX_SHOWN }
      const [{ items: jobs }, { items: deliveries }] = await Promise.all([
        client.jobs.list(of),
        client.deliveries.list(of),
      ])
      const shown = { ...event, jobs, deliveries, ...(payload && { payload: says }) }
      cli.print(shown, () => eventText(cli, shown))
    })
}
