// The running Signalbox a command talks to.
import { resolve } from 'node:path'
import type { SignalboxClient } from '@signalbox/sdk/client'
import { signalbox } from '@signalbox/sdk/client'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { isLoopback } from '../lib/loopback.ts'
import { readServerVariables } from '../lib/variables.ts'
import { readToken } from './api-token.ts'
import { CliError } from './failure.ts'
import { ownAddress } from './own-server.ts'
import { request } from './request.ts'
import type { Terminal } from './terminal.ts'

/** The option of every command that talks to a server. */
export type ServerOptions = { server?: string | undefined }

/**
 * A client for the server of `--server`, `SIGNALBOX_URL`, the `dev` of this folder, or this
 * machine's at `PORT`, with the token of `SIGNALBOX_API_TOKEN`; for that `dev` else its own.
 * @throws AppError `config_invalid` when one of these variables is not valid, and CliError
 * `token_withheld` when the address and the token must not meet.
 */
export function clientOf(terminal: Surroundings, options: ServerOptions): SignalboxClient {
  return signalbox({ ...addressAndToken(terminal, options), fetch: request })
}

/**
 * The address of the server, and the token for it; none where there is none.
 * @throws CliError `token_withheld` when the address and the token must not meet.
 */
export function addressAndToken(
  terminal: Surroundings,
  { server }: ServerOptions,
): { url: string; token: string | undefined } {
  const { SIGNALBOX_URL, PORT, SIGNALBOX_API_TOKEN, SIGNALBOX_DATA_DIR } = readServerVariables(terminal.env)
  if (server === undefined && SIGNALBOX_API_TOKEN !== undefined) requireOneOrigin(terminal)
  const dataDir = resolve(terminal.folder, SIGNALBOX_DATA_DIR)
  const own = ownAddress(dataDir)
  const url = server ?? SIGNALBOX_URL ?? own ?? `http://127.0.0.1:${PORT}`
  const isOwn = own !== undefined && isLoopback(new URL(url).hostname) && new URL(url).port === new URL(own).port
  return { url, token: SIGNALBOX_API_TOKEN ?? (isOwn ? readToken(dataDir) : undefined) }
}

type Surroundings = Pick<Terminal, 'env' | 'fromEnvFile' | 'folder'>

/**
 * The .env file of a folder that came from elsewhere, such as a cloned repository, may name any
 * address. It does not get a token that it did not bring itself.
 */
function requireOneOrigin({ fromEnvFile }: Surroundings): void {
  if (!fromEnvFile.has('SIGNALBOX_URL') || fromEnvFile.has('SIGNALBOX_API_TOKEN')) return
  throw new CliError(
    'token_withheld',
    'SIGNALBOX_URL comes from the .env file of this folder, and SIGNALBOX_API_TOKEN does not: the token is not sent there.',
    'Put both into the .env file, or name the address with --server.',
  )
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
    'address of the server (default: SIGNALBOX_URL, else the "dev" of this folder, else this machine at PORT)',
    parseUrl,
  )
}
