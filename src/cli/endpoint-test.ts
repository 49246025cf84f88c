// `signalbox endpoints test`: a delivery to try an endpoint with.
import type { DeliveryAttempt, DeliveryDetail } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { onConflict, Unsuccessful } from './failure.ts'
import { withId } from './id.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { indent, inline, plain } from './text.ts'

// Longer than an attempt takes at most.
const WAIT_MS = 20_000
const MAX_ANSWER_CHARS = 300

/** Adds `endpoints test`. */
export function addEndpointTest(endpoints: Command, cli: Cli): void {
  withId(withServer(endpoints.command('test')), 'endpoint')
    .description('send a test to an endpoint, and show what it answered; exit code 1 if it did not arrive')
    .option('--type <type>', 'the type to send an example of (default: the first one that the endpoint wants)')
    .addHelpText('after', '\nExample:\n  $ signalbox endpoints test 0199f0a2 --type environment.deployed')
    .action(async (id: string, { server, type }: ServerOptions & { type?: string }) => {
      const asked = clientOf(cli, { server }).endpoints.test(id, { type, waitMs: WAIT_MS })
      const delivery = await onConflict(`Make it active: signalbox endpoints enable ${inline(id)}`, asked)
      cli.print(delivery, () => deliveryText(cli, delivery))
      if (delivery.status !== 'succeeded') throw new Unsuccessful()
    })
}

function deliveryText(cli: Cli, delivery: DeliveryDetail): string {
  const attempt = delivery.attempts.at(-1)
  const head = fields([
    ['sent', `${delivery.event_type} to ${delivery.endpoint_name}`],
    ['status', statusText(cli, delivery, attempt)],
    ['took', attempt?.duration_ms == null ? null : `${attempt.duration_ms} ms`],
    ['event', delivery.event_id],
    ['delivery', delivery.id],
  ])
  const answer = plain(attempt?.response ?? '').trim()
  return answer === ''
    ? head
    : `${head}\n\n${cli.paint('bold', 'Answer')}\n${indent(answer.slice(0, MAX_ANSWER_CHARS))}`
}

function statusText(cli: Cli, { status, error }: DeliveryDetail, attempt: DeliveryAttempt | undefined): string {
  if (status === 'succeeded') return cli.paint('green', `arrived, ${attempt?.status_code ?? ''}`)
  if (status === 'pending' || status === 'running') return 'not sent yet: does an orchestrator run?'
  return cli.paint('red', `did not arrive: ${error ?? status}`)
}
