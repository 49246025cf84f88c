// What an endpoint is made from or changed to, as options of the command line.
import type { EndpointChange, EndpointInput, EndpointKind } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { isObject } from '../lib/json.ts'
import { parseUrl } from './api-client.ts'
import { CliError } from './failure.ts'
import type { Terminal } from './terminal.ts'

type Plain = Omit<
  EndpointInput,
  'kind' | 'secret' | 'secrets' | 'headers' | 'credential' | 'schedule' | 'conditions' | 'concurrency'
>
// Commander turns a null that a parser returns into an empty text.
const NONE = 'none'

/** The options as they were given. */
export type EndpointOptions = Plain & {
  kind?: EndpointKind
  header?: string[]
  credential?: string
  secret?: string
  schedule?: string[]
  conditions?: NonNullable<EndpointInput['conditions']> | typeof NONE
  rate?: number | typeof NONE
  concurrency?: number | typeof NONE
}

const KINDS: Record<EndpointKind, true> = {
  webhook: true,
  slack: true,
  telegram: true,
  email: true,
  'github-dispatch': true,
}
const FROM_INPUT = 'standard input, where no process list shows it'

/** Adds the options of an endpoint. Those of `endpoints edit` change only what is given. */
export function withEndpointOptions(command: Command): Command {
  return command
    .option('--url <url>', 'where to deliver to', parseUrl)
    .option('--name <name>', 'its name in lists, which no other has yet (default: the host)')
    .option('--events <types...>', 'event types or globs (default: environment.deployed)')
    .option('--projects <names...>', 'projects or globs (default: all)')
    .option('--environments <names...>', 'environments or globs (default: production)')
    .option('--apps <names...>', 'applications or globs (default: all)')
    .option('--conditions <json>', 'what it wants of what an event says, by path; "none" is all', parseConditions)
    .option('--header <header...>', `"Name: value" to send; "Name: -" reads the value from ${FROM_INPUT}`)
    .option('--credential <credential>', `what its kind authenticates with; - reads it from ${FROM_INPUT}`)
    .option('--settings <json>', 'what else its kind needs', parseObject)
    .addOption(new Option('--format <format>', 'the body of deliveries').choices(['envelope', 'raw']))
    .addOption(
      new Option('--signatures <forms...>', 'how deliveries are signed').choices(['standard', 'agenta', 'ed25519']),
    )
    .addOption(
      new Option('--ordering <order>', 'how deliveries of one app and environment follow each other').choices([
        'parallel',
        'ordered',
        'latest-only',
      ]),
    )
    .option('--schedule <seconds...>', 'seconds from one attempt to the next; "default" is that of Standard Webhooks')
    .option('--rate <number>', 'attempts per second at most; "none" is no limit', parseLimit)
    .option('--concurrency <number>', 'deliveries under way at once at most; "none" is no limit', parseLimit)
    .option('--templates <json>', 'texts of messages by event type or glob', parseObject)
    .option('--force', 'take event types that nobody is known to send')
}

/** The option of the kind, which only a new endpoint has. */
export function kindOption(): Option {
  return new Option('--kind <kind>', 'what it is (default: webhook)').choices(Object.keys(KINDS))
}

/** The option of a secret that is not made by the server. */
export function withSecret(command: Command): Command {
  return command.option(
    '--secret <secret>',
    `what deliveries are signed with; - reads it from ${FROM_INPUT} (default: one is made and shown once)`,
  )
}

/**
 * What the options ask for. A header without a value is one to take away.
 * @throws CliError when several of them read standard input, or one is not what it must be.
 */
export async function endpointOf(
  cli: Pick<Terminal, 'readInput'>,
  { header, credential, secret, schedule, conditions, rate, concurrency, ...plain }: EndpointOptions,
): Promise<EndpointInput & EndpointChange> {
  const headers = header?.map(headerOf)
  const values = [secret, credential, ...(headers ?? []).map(([, value]) => value)]
  if (values.filter((value) => value === '-').length > 1) {
    throw new CliError('usage', 'Standard input can be only one value.', 'Give the others in another call, with edit.')
  }
  const input = values.includes('-') ? (await cli.readInput()).trim() : ''
  const read = (value: string) => (value === '-' ? input : value)
  return {
    ...plain,
    ...(secret === undefined ? {} : { secret: read(secret) }),
    ...(credential === undefined ? {} : { credential: read(credential) }),
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(headers.map(([name, value]) => [name, value === '' ? null : read(value)])) }),
    ...(schedule === undefined ? {} : { schedule: scheduleOf(schedule) }),
    ...(conditions === undefined ? {} : { conditions: orNull(conditions) }),
    ...(rate === undefined ? {} : { rate_per_second: orNull(rate) }),
    ...(concurrency === undefined ? {} : { concurrency: orNull(concurrency) }),
  } as EndpointInput & EndpointChange
}

function headerOf(text: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^([^:]+):(.*)$/s.exec(text) ?? []
  // The value is not repeated: it may be a secret.
  if (name === '') throw new CliError('usage', '--header: must be "Name: value".', 'Put the header into quotes.')
  return [name.trim(), value.trim()]
}

function scheduleOf(seconds: readonly string[]): number[] | null {
  if (seconds.length === 1 && seconds[0] === 'default') return null
  return seconds.map((each) => {
    if (/^\d{1,9}$/.test(each)) return Number(each)
    throw new CliError('usage', `--schedule: ${JSON.stringify(each)} is not a number.`, 'Give seconds, or "default".')
  })
}

function orNull<Value>(value: Value | typeof NONE): Value | null {
  return value === NONE ? null : value
}

function parseLimit(value: string): number | typeof NONE {
  if (value === NONE) return NONE
  if (/^\d{1,6}(\.\d{1,6})?$/.test(value)) return Number(value)
  throw new InvalidArgumentError('It must be a number, or "none".')
}

function parseConditions(value: string): Record<string, unknown> | typeof NONE {
  return value === NONE ? NONE : parseObject(value)
}

function parseObject(value: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(value)
    if (isObject(parsed)) return parsed
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It must be a JSON object.')
}
