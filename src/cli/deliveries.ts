// `signalbox deliveries`: what endpoints were told, and whether it arrived.
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Page, Row } from './api-client.ts'
import { serverOf, withServer } from './api-client.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Cli } from './terminal.ts'
import type { Column } from './text.ts'
import { age, fields, indent, inline, table } from './text.ts'

const STATUSES = ['pending', 'running', 'succeeded', 'failed', 'skipped']

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: (row) => inline(row.id) },
  { title: 'AGE', value: (row) => age(row.created_at) },
  { title: 'EVENT', value: (row) => inline(row.event_type), shrinks: true },
  { title: 'ENDPOINT', value: (row) => inline(row.endpoint_name), shrinks: true },
  { title: 'STATUS', value: (row) => inline(row.status) },
  { title: 'TRY', value: (row) => `${inline(row.attempts)}/${inline(row.max_attempts)}` },
  { title: 'ERROR', value: (row) => inline(row.error), shrinks: true },
]

const ATTEMPTS: readonly Column<Row>[] = [
  { title: 'TRY', value: (row) => inline(row.attempt) },
  { title: 'OUTCOME', value: (row) => inline(row.outcome) || 'running' },
  { title: 'STATUS', value: (row) => inline(row.status_code) },
  { title: 'STARTED', value: (row) => inline(row.started_at) },
  { title: 'TOOK', value: (row) => (row.duration_ms === null ? '' : `${inline(row.duration_ms)}ms`) },
  { title: 'ERROR', value: (row) => inline(row.error), shrinks: true },
  { title: 'ANSWER', value: (row) => inline(row.response), shrinks: true },
]

function deliveryText(cli: Cli, row: Row): string {
  const attempts = Array.isArray(row.attempt_log) ? (row.attempt_log as Row[]) : []
  const head = fields([
    ['delivery', inline(row.id)],
    ['event', `${inline(row.event_type)} ${inline(row.event_id)}`],
    ['endpoint', `${inline(row.endpoint_name)} ${inline(row.endpoint_id)}`],
    ['status', inline(row.status)],
    ['error', inline(row.error)],
    ['next try', inline(row.next_attempt_at)],
    ['created', inline(row.created_at)],
    ['finished', inline(row.finished_at)],
  ])
  if (attempts.length === 0) return head
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  return `${head}\n\n${cli.paint('bold', 'Attempts')}\n${indent(table(ATTEMPTS, attempts, width))}`
}

type ListOptions = PageOptions & { status?: string; event?: string; endpoint?: string }

/** Adds `deliveries ls` and `deliveries show`. */
export function addDeliveries(program: Command, cli: Cli): void {
  const deliveries = program.command('deliveries').description('what endpoints were told, and whether it arrived')
  withPaging(deliveries.command('ls'))
    .description('list deliveries, newest first')
    .addOption(new Option('--status <status>', 'only these').choices(STATUSES))
    .option('--event <event-id>', 'only of this event')
    .option('--endpoint <endpoint-id>', 'only to this endpoint')
    .addHelpText('after', '\nExample:\n  $ signalbox deliveries ls --status failed')
    .action(async ({ server, event, endpoint, ...query }: ListOptions) => {
      const filter = { ...query, event_id: event, endpoint_id: endpoint }
      printPage(cli, await serverOf(cli, { server }).get<Page>('api/deliveries', filter), 'such deliveries', COLUMNS)
    })
  withServer(deliveries.command('show <delivery-id>'))
    .description('show one delivery with every attempt')
    .addHelpText('after', '\nExample:\n  $ signalbox deliveries show 2b9d4c10-11fe-8a77-b0c3-94d1e2f5a6b8')
    .action(async (id: string, options: { server?: string }) => {
      const row = await serverOf(cli, options).get(`api/deliveries/${encodeURIComponent(id)}`)
      cli.print(row, () => deliveryText(cli, row))
    })
}
