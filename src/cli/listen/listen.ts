// `signalbox listen`: a receiver for development.
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { silentLog } from '../../lib/log.ts'
import { parseUrl } from '../api-client.ts'
import { CliError } from '../failure.ts'
import { awaitStop } from '../stop.ts'
import type { Cli } from '../terminal.ts'
import { parseTime } from '../wait.ts'
import type { Received } from './received.ts'
import { receivedText } from './received.ts'
import type { Answering } from './receiver.ts'
import { openListener } from './receiver.ts'
import type { Keys } from './verdicts.ts'

type ListenOptions = Pick<Answering, 'status' | 'reset' | 'failFirst' | 'forward'> & {
  port: number
  secret?: string
  publicKey?: string
  delay?: { ms: number }
}

function parseNumber(min: number, max: number) {
  return (value: string): number => {
    if (/^\d{1,5}$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value)
    throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`)
  }
}

/** Completes `listen`. */
export function addListen(listen: Command, cli: Cli): void {
  listen
    .option('--port <port>', 'where to listen; 0 lets the system choose', parseNumber(0, 65_535), 0)
    .option('--secret <secret>', 'what deliveries are signed with; - reads it from standard input')
    .option('--public-key <key>', 'what ed25519 signatures are verified by: whpk_…, or the address of a JWK set')
    .option('--status <status>', 'what to answer', parseNumber(200, 599), 200)
    .option('--delay <time>', 'wait before each answer, such as 500ms or 3s', parseTime)
    .option('--fail-first <count>', 'answer 500 to so many first', parseNumber(0, 10_000), 0)
    .addOption(new Option('--reset', 'reset the connection in place of an answer').default(false))
    .option('--forward <url>', 'pass each on to a program of this machine, and answer what it answers', parseUrl)
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox listen --port 4000 --secret whsec_…\n' +
        '  $ signalbox listen --fail-first 2 --public-key http://127.0.0.1:8000/.well-known/webhooks-jwks.json',
    )
    .action((options: ListenOptions) => runListener(cli, options))
}

async function runListener(cli: Cli, { delay, secret, publicKey, ...options }: ListenOptions): Promise<void> {
  const keys = await keysOf(cli, { secret, publicKey })
  const stop = awaitStop(silentLog)
  try {
    const onReceived = (received: Received) => print(cli, received)
    const listener = await openListener({ ...options, ...keys, delayMs: delay?.ms ?? 0, onReceived })
    try {
      const { url } = listener
      const text = `Listening on ${url} until Ctrl-C.\nHave events delivered here: signalbox endpoints add --url ${url}\n`
      cli.out(cli.json() ? `${JSON.stringify({ url })}\n` : text)
      await stop.stopped
    } finally {
      await listener.close()
    }
  } finally {
    stop.letGo()
  }
}

/** One line of JSON for each, or a block for people. */
function print(cli: Cli, received: Received): void {
  cli.out(cli.json() ? `${JSON.stringify(received)}\n` : `\n${receivedText(cli, received)}\n`)
}

async function keysOf(
  cli: Cli,
  { secret, publicKey }: { secret?: string | undefined; publicKey?: string | undefined },
): Promise<Keys> {
  const read = secret === '-' ? (await cli.readInput()).trim() : secret
  if (read === '') throw new CliError('usage', 'The secret is empty.', 'Leave --secret away to verify nothing.')
  if (publicKey === undefined) return { secret: read }
  return /^https?:/.test(publicKey) ? { secret: read, jwks: publicKey } : { secret: read, publicKey }
}
