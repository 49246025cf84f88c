// `signalbox events types`: which types of events there are, and what is sent for them.
import type { EventTypeDetail, EventTypeSummary } from '@signalbox/sdk'
import type { Command } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { printPage } from './page.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import type { Cli } from './terminal.ts'
import { indent, plain } from './text.ts'

const COLUMNS: readonly Column<EventTypeSummary>[] = [
  { title: 'TYPE', value: ({ type }) => type },
  { title: 'SOURCE', value: ({ source }) => source },
  { title: 'WHAT IT IS', value: ({ description }) => description, shrinks: true },
]

function typeText(cli: Cli, { type, source, description, schema, example }: EventTypeDetail): string {
  const part = (title: string, value: object) =>
    `${cli.paint('bold', title)}\n${indent(plain(JSON.stringify(value, null, 2)))}`
  const head = fields([
    ['type', type],
    ['source', source],
    ['what it is', description],
  ])
  return [head, part('Example', example), part('Schema', schema)].join('\n\n')
}

/** Adds `events types`. */
export function addEventTypes(events: Command, cli: Cli): void {
  withServer(events.command('types [type]'))
    .description('list the known types, or those of a glob; of one type show what is sent')
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox events types "job.*"\n  $ signalbox events types environment.deployed',
    )
    .action(async (type: string | undefined, options: ServerOptions) => {
      const client = clientOf(cli, options)
      if (type === undefined || /[*?{!]/.test(type)) {
        return printPage(cli, await client.events.types({ type }), 'such types', COLUMNS)
      }
      const detail = await client.events.type(type)
      cli.print(detail, () => typeText(cli, detail))
    })
}
