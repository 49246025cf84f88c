// What is configured: as the running server has it, or as a configuration file here says.
import { relative } from 'node:path'
import type { SignalboxClient } from '@signalbox/sdk'
import { SignalboxError } from '@signalbox/sdk/client'
import type { Command } from 'commander'
import { Option } from 'commander'
import type { Installation } from '../config/configure.ts'
import type { ServerOptions } from './api-client.ts'
import { addressAndToken, clientOf, withServer } from './api-client.ts'
import { loadConfigured } from './config-file.ts'
import { CliError, failureOf } from './failure.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import type { Cli } from './terminal.ts'

/** The options of every command that lists what is configured. */
export type ConfiguredOptions = ServerOptions & { local?: boolean; config?: string }

/** Adds `--server`, and `--local` and `--config`, which ask no server. */
export function withConfigured(command: Command): Command {
  const local = new Option('--local', 'ask no server: show what the configuration file of this folder says')
  const config = new Option('--config <file>', 'the same of another configuration file')
  return withServer(command).addOption(local.conflicts('server')).addOption(config.conflicts('server'))
}

/** How one kind of what is configured is listed. */
type Listing<Row> = {
  noun: string
  columns: readonly Column<Row>[]
  ask(client: SignalboxClient): Promise<readonly Row[]>
  read(configured: Installation): Promise<readonly Row[]>
}

/** Prints a list of what is configured, and whose it is. */
export async function printConfigured<Row>(cli: Cli, options: ConfiguredOptions, listing: Listing<Row>): Promise<void> {
  const { items, whose } = await (isLocal(options) ? readRows(cli, options, listing) : askRows(cli, options, listing))
  const { noun, columns } = listing
  cli.print({ items, next: null }, () => {
    const rows = items.length === 0 ? `There are no ${noun}.` : table(columns, items, cli.columns)
    return `${rows}\n\n${cli.paint('dim', `The ${noun} of ${whose}.`)}`
  })
}

/** Where the parts come from that `loadConfigured` put together. */
export function placeOf({ path }: { path: string | null }, folder: string): string {
  if (path === null) return 'this folder, which has no configuration file: the built-in ones'
  const short = relative(folder, path)
  return short.startsWith('..') ? path : short
}

type Rows<Row> = { items: readonly Row[]; whose: string }

function isLocal({ local = false, config }: ConfiguredOptions): boolean {
  return local || config !== undefined
}

async function readRows<Row>(cli: Cli, options: ConfiguredOptions, { read }: Listing<Row>): Promise<Rows<Row>> {
  const configured = await loadConfigured(cli, options)
  return { items: await read(configured), whose: placeOf(configured, cli.folder) }
}

async function askRows<Row>(cli: Cli, options: ConfiguredOptions, { ask }: Listing<Row>): Promise<Rows<Row>> {
  const items = await withLocalHint(ask(clientOf(cli, options)))
  return { items, whose: `the server ${addressAndToken(cli, options).url}` }
}

/** What was asked of a server; where there is none, the failure says what else there is. */
export async function withLocalHint<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof SignalboxError) || error.code !== 'unreachable') throw error
    const { detail, hint } = failureOf(error)
    throw new CliError(error.code, detail, `${hint}, or add --local to read the configuration file of this folder`, {
      cause: error,
    })
  }
}
