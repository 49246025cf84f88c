// `signalbox deliveries`: what endpoints were notified of, and whether it arrived.
import type { Delivery, DeliveryAttempt, DeliveryDetail, DeliveryStatus } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, indent, plain } from './text.ts'

const COLUMNS: readonly Column<Delivery>[] = [
  { title: 'ID', value: (delivery) => delivery.id, short: shortId },
  { title: 'AGE', value: (delivery) => age(delivery.created_at) },
  { title: 'EVENT', value: (delivery) => delivery.event_type, shrinks: true },
  { title: 'ENDPOINT', value: (delivery) => delivery.endpoint_name, shrinks: true },
  { title: 'STATUS', value: (delivery) => delivery.status },
  { title: 'FAILED', value: (delivery) => `${delivery.failures}/${delivery.max_attempts}` },
  { title: 'ERROR', value: (delivery) => delivery.error, shrinks: true },
]

const ID = '2b9d4c10-11fe-8a77-b0c3-94d1e2f5a6b8'
const MAX_ANSWER_CHARS = 1_000
const MAX_ANSWER_LINES = 20

const ATTEMPTS: readonly Column<DeliveryAttempt>[] = [
  { title: 'ATTEMPT', value: ({ attempt }) => attempt },
  { title: 'OUTCOME', value: ({ outcome }) => outcome ?? 'running' },
  { title: 'STATUS', value: (attempt) => attempt.status_code },
  { title: 'STARTED', value: (attempt) => attempt.started_at },
  { title: 'TOOK', value: ({ duration_ms: ms }) => (ms === null ? '' : `${ms}ms`) },
  { title: 'PEER', value: ({ peer }) => peer },
  { title: 'ERROR', value: ({ error }) => error, shrinks: true },
]

function deliveryText(cli: Cli, delivery: DeliveryDetail): string {
  const head = fields([
    ['delivery', delivery.id],
    ['event', `${delivery.event_type} ${delivery.event_id}`],
    ['endpoint', `${delivery.endpoint_name} ${delivery.endpoint_id}`],
    ['status', delivery.status],
    ['error', delivery.error],
    ['superseded by', delivery.superseded_by],
    ['supersedes', delivery.supersedes.length === 0 ? null : delivery.supersedes.map(shortId).join(', ')],
    ['next attempt', delivery.next_attempt_at],
    ['created', delivery.created_at],
    ['finished', delivery.finished_at],
  ])
  if (delivery.attempts.length === 0) return head
  const width = cli.columns === undefined ? undefined : cli.columns - 2
  const attempts = `${cli.paint('bold', 'Attempts')}\n${indent(table(ATTEMPTS, delivery.attempts, width))}`
  return [head, attempts, ...delivery.attempts.flatMap((attempt) => answerText(cli, attempt))].join('\n\n')
}

/** What the receiver answered to one attempt, as far as it can be read at a glance. */
function answerText(cli: Cli, { attempt, response }: DeliveryAttempt): string[] {
  const text = plain(response ?? '').trim()
  if (text === '') return []
  const lines = text.slice(0, MAX_ANSWER_CHARS).split('\n').slice(0, MAX_ANSWER_LINES)
  const shown = lines.join('\n')
  const more = shown.length < text.length ? `\n${cli.paint('dim', '… (the rest with --json)')}` : ''
  return [`${cli.paint('bold', `Answer to attempt ${attempt}`)}\n${indent(`${shown}${more}`)}`]
}

type ListOptions = PageOptions & { status?: DeliveryStatus; event?: string; endpoint?: string }

/** Adds `deliveries ls`, `show`, `redeliver` and `curl`. */
export function addDeliveries(deliveries: Command, cli: Cli): void {
  withPaging(deliveries.command('ls'))
    .description('list deliveries, newest first')
    .addOption(
      statusOption<DeliveryStatus>({ pending: true, running: true, succeeded: true, failed: true, skipped: true }),
    )
    .option('--event <event-id>', 'only of this event')
    .option('--endpoint <endpoint-id>', 'only to this endpoint')
    .addHelpText('after', '\nExample:\n  $ signalbox deliveries ls --status failed')
    .action(async ({ server, event, endpoint, ...query }: ListOptions) => {
      const filter = { ...query, event_id: event, endpoint_id: endpoint }
      printPage(cli, await clientOf(cli, { server }).deliveries.list(filter), 'such deliveries', COLUMNS)
    })
  withId(withServer(deliveries.command('show')), 'delivery')
    .description('show one delivery with every attempt')
    .addHelpText('after', `\nExample:\n  $ signalbox deliveries show ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const delivery = await clientOf(cli, options).deliveries.get(id)
      cli.print(delivery, () => deliveryText(cli, delivery))
    })
  withId(withServer(deliveries.command('redeliver')), 'delivery')
    .description('send a delivery again, with all the attempts of its schedule')
    .option('--to <endpoint-id>', 'send it to this endpoint in place of its own')
    .addHelpText('after', `\nExample:\n  $ signalbox deliveries redeliver ${ID}`)
    .action(async (id: string, { to, ...options }: ServerOptions & { to?: string }) => {
      const delivery = await clientOf(cli, options).deliveries.redeliver(id, { endpointId: to })
      cli.print(
        delivery,
        () => `Delivery ${shortId(delivery.id)} to ${plain(delivery.endpoint_name)} is pending again.`,
      )
    })
  withId(withServer(deliveries.command('curl')), 'delivery')
    .description('print a command that sends what a delivery is sent, signed anew')
    .addHelpText('after', `\nExample:\n  $ signalbox deliveries curl ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const { command } = await clientOf(cli, options).deliveries.curl(id)
      cli.print({ command }, () => command)
    })
}
