// The running Signalbox a command talks to.
import type { SignalboxClient } from '@signalbox/sdk'
import { signalbox } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { environmentOf } from './environment.ts'
import type { Terminal } from './terminal.ts'

/** The option of every command that talks to a server. */
export type ServerOptions = { server?: string | undefined }

/**
 * A client for the server of `--server`, `SIGNALBOX_URL`, or this machine's at `PORT`, with the
 * token of `SIGNALBOX_API_TOKEN`.
 */
export function clientOf(terminal: Pick<Terminal, 'env'>, { server }: ServerOptions): SignalboxClient {
  const { SIGNALBOX_URL, PORT, SIGNALBOX_API_TOKEN: token } = environmentOf(terminal)
  return signalbox({ url: server ?? SIGNALBOX_URL ?? `http://127.0.0.1:${PORT}`, token })
}

/** An option's value that must be an address. */
export function parseUrl(value: string): string {
  if (/^https?:/.test(value) && URL.canParse(value)) return value
  throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:8000.')
}

/** Adds `--server`, which names another server. */
export function withServer(command: Command): Command {
  return command.option(
    '--server <url>',
    'address of the server (default: SIGNALBOX_URL, else this machine at PORT)',
    parseUrl,
  )
}
