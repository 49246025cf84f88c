// `signalbox events tail`: events as they happen, or from a cursor on.
import type { FeedEvent } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import type { Cli } from './terminal.ts'
import { inline, json } from './text.ts'

type TailOptions = ServerOptions & { after: string; type?: string; source?: string; follow: boolean }

function lineText({ id, received_at, source, type, subject, status, reason }: FeedEvent): string {
  const about = subject === null ? '' : ` ${inline(subject)}`
  const why = reason === null ? '' : `: ${inline(reason)}`
  return `${received_at} ${shortId(id)}  ${inline(type)}${about} from ${source}, ${status}${why}`
}

/** Adds `events tail`. */
export function addEventsTail(events: Command, cli: Cli): void {
  withServer(events.command('tail'))
    .description('print events as they happen, oldest first, until you stop it; with --json one per line')
    .option('--after <cursor>', 'begin after the event with this "cursor"; 0 is the beginning', 'now')
    .option('--type <type>', 'only this type, or a glob such as "issues.*"')
    .option('--source <name>', 'only from this source')
    .option('--no-follow', 'end when everything there is was printed')
    .addHelpText('after', '\nExample:\n  $ signalbox events tail --after 0 --type "order.*" --no-follow --json')
    .action(async ({ server, ...query }: TailOptions) => {
      const { events: stored } = clientOf(cli, { server })
      // Following asks a server that is away again and again; one that was never there is an error.
      await stored.list({ limit: 1 })
      for await (const event of stored.feed(query)) {
        cli.out(`${cli.json() ? json(event) : lineText(event)}\n`)
      }
    })
}
