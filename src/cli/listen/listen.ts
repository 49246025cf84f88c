// `signalbox listen`: a receiver for development.
import type { Command } from 'commander'
import { Option } from 'commander'
import { generateSecret } from '../../endpoints/endpoint.ts'
import { silentLog } from '../../lib/log.ts'
import type { ServerOptions } from '../api-client.ts'
import { clientOf, parseUrl, withServer } from '../api-client.ts'
import { CliError } from '../failure.ts'
import { parseNumber } from '../number.ts'
import { awaitStop } from '../stop.ts'
import type { Cli } from '../terminal.ts'
import { json } from '../text.ts'
import { parseTime } from '../wait.ts'
import type { Received } from './received.ts'
import { receivedText } from './received.ts'
import type { Answering } from './receiver.ts'
import { openListener } from './receiver.ts'
import type { Registration } from './register.ts'
import { register } from './register.ts'
import type { Keys } from './verdicts.ts'

type ListenOptions = Pick<Answering, 'status' | 'reset' | 'failFirst' | 'forward'> &
  ServerOptions & {
    port: number
    register?: boolean
    events: string[]
    secret?: string
    publicKey?: string
    delay?: { ms: number }
  }

/** Completes `listen`. */
export function addListen(listen: Command, cli: Cli): void {
  withServer(listen)
    .option('--port <port>', 'where to listen; 0 lets the system choose', parseNumber(0, 65_535), 0)
    .option('--secret <secret>', 'what deliveries are signed with; - reads it from standard input')
    .option('--public-key <key>', 'what ed25519 signatures are verified by: whpk_…, or the address of a JWK set')
    .option('--status <status>', 'what to answer', parseNumber(200, 599), 200)
    .option('--delay <time>', 'wait before each answer, such as 500ms or 3s', parseTime)
    .option('--fail-first <count>', 'answer 500 to so many first', parseNumber(0, 10_000), 0)
    .addOption(new Option('--reset', 'reset the connection in place of an answer').default(false))
    .option('--register', 'be an endpoint of the server, which runs on this machine, for as long as this listens')
    .option('--events <types...>', 'with --register: event types or globs', ['*'])
    .option('--forward <url>', 'pass each on to a program of this machine, and answer what it answers', parseUrl)
    .addHelpText(
      'after',
      '\nExamples:\n  $ signalbox listen --register\n  $ signalbox listen --port 4000 --secret whsec_…\n' +
        '  $ signalbox listen --fail-first 2 --public-key http://127.0.0.1:8000/.well-known/webhooks-jwks.json',
    )
    .action((options: ListenOptions) => runListener(cli, options))
}

async function runListener(cli: Cli, options: ListenOptions): Promise<void> {
  const { delay, secret, publicKey, register: registers = false, events, server, ...answering } = options
  const given = await keysOf(cli, { secret, publicKey })
  const keys = registers ? { ...given, secret: given.secret ?? generateSecret() } : given
  const stop = awaitStop(silentLog)
  try {
    const onReceived = (received: Received) => print(cli, received)
    const listener = await openListener({ ...answering, ...keys, delayMs: delay?.ms ?? 0, onReceived })
    const { url } = listener
    let registration: Registration | null = null
    try {
      if (keys.secret !== undefined && registers) {
        registration = await register(cli, clientOf(cli, { server }), { url, secret: keys.secret, events })
      }
      const { id = null } = registration ?? {}
      cli.out(cli.json() ? `${json({ url, endpoint_id: id })}\n` : `${begunText(url, id)}\n`)
      await stop.stopped
    } finally {
      await registration?.remove()
      await listener.close()
    }
  } finally {
    stop.letGo()
  }
}

function begunText(url: string, endpointId: string | null): string {
  const next =
    endpointId === null
      ? `Have events delivered here: signalbox endpoints add --url ${url}`
      : `It is the endpoint ${endpointId} as long as it listens. Try it: signalbox endpoints test ${endpointId}`
  return `Listening on ${url} until Ctrl-C.\n${next}`
}

/** One line of JSON for each, or a block for people. */
function print(cli: Cli, received: Received): void {
  cli.out(cli.json() ? `${json(received)}\n` : `\n${receivedText(cli, received)}\n`)
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
