// `signalbox endpoints`: who is notified of events, where and how.
import type { EndpointStatus } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import type { EndpointOptions } from './endpoint-options.ts'
import { endpointOf, kindOption, withEndpointOptions, withSecret } from './endpoint-options.ts'
import { addEndpointTest } from './endpoint-test.ts'
import { addedText, COLUMNS, changedText, endpointText, rotatedText, statusText } from './endpoint-text.ts'
import { CliError, onConflict } from './failure.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, statusOption, withPaging } from './page.ts'
import { addRecover } from './recover.ts'
import type { Cli } from './terminal.ts'
import { count, inline } from './text.ts'

const ID = '6f1c2a34-9b7e-8d10-a2c4-0e5d7f3b9a61'
const OTHER_NAME = 'Give it another --name; signalbox endpoints ls shows the others.'

/** Adds `endpoints ls`, `show`, `add`, `edit`, `pause`, `enable`, `disable`, `rotate` and `rm`. */
export function addEndpoints(endpoints: Command, cli: Cli): void {
  addEndpointTest(endpoints, cli)
  withPaging(endpoints.command('ls'))
    .description('list endpoints, newest first')
    .addOption(statusOption<EndpointStatus>({ active: true, paused: true, disabled: true }))
    .addHelpText('after', '\nExample:\n  $ signalbox endpoints ls')
    .action(async ({ server, ...query }: PageOptions & { status?: EndpointStatus }) => {
      printPage(cli, await clientOf(cli, { server }).endpoints.list(query), 'such endpoints', COLUMNS)
    })
  withId(withServer(endpoints.command('show')), 'endpoint')
    .description('show one endpoint and how it does')
    .addHelpText('after', `\nExample:\n  $ signalbox endpoints show ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const endpoint = await clientOf(cli, options).endpoints.get(id)
      cli.print(endpoint, () => endpointText(endpoint))
    })
  addAdd(endpoints, cli)
  addEdit(endpoints, cli)
  addStatus(endpoints, cli, { verb: 'pause', status: 'paused', what: 'keep its deliveries until it is enabled' })
  addStatus(endpoints, cli, { verb: 'enable', status: 'active', what: 'notify it again, of what was kept first' })
  addStatus(endpoints, cli, { verb: 'disable', status: 'disabled', what: 'notify it no more' })
  addRotate(endpoints, cli)
  addRecover(endpoints, cli)
  addRemove(endpoints, cli)
}

function addAdd(endpoints: Command, cli: Cli): void {
  withSecret(withEndpointOptions(withServer(endpoints.command('add'))).addOption(kindOption()))
    .description('have events delivered to an address, signed')
    .addHelpText(
      'after',
      `
Examples:
  $ signalbox endpoints add --url https://hooks.example.com/signalbox --events environment.deployed "job.*"
  $ signalbox endpoints add --url https://hooks.example.com/ci --events push --conditions '{"ref": "refs/heads/main"}'
  $ pass show slack | signalbox endpoints add --kind slack --name "our channel" --events job.failed --credential -
  $ signalbox endpoints add --kind email --settings '{"to": ["ops@example.com"]}' --events "endpoint.*"
  $ pass show ci | signalbox endpoints add --url https://hooks.example.com/ci --header "Authorization: -"`,
    )
    .action(async ({ server, ...options }: ServerOptions & EndpointOptions) => {
      const wanted = await endpointOf(cli, options)
      const asked = clientOf(cli, { server }).endpoints.create(wanted)
      const endpoint = await onConflict(OTHER_NAME, asked)
      cli.print(endpoint, () => addedText(endpoint))
    })
}

function addEdit(endpoints: Command, cli: Cli): void {
  withId(withEndpointOptions(withServer(endpoints.command('edit'))), 'endpoint')
    .description('change an endpoint: what is given, and nothing else; "--header Name:" takes a header away')
    .addHelpText('after', `\nExample:\n  $ signalbox endpoints edit ${ID} --events "job.*" --rate 5`)
    .action(async (id: string, { server, ...options }: ServerOptions & EndpointOptions) => {
      const change = await endpointOf(cli, options)
      if (Object.keys(change).length === 0) {
        throw new CliError('usage', 'There is nothing to change.', 'Give what is to change; --help lists it.')
      }
      const asked = clientOf(cli, { server }).endpoints.update(id, change)
      const endpoint = await onConflict('Change the configuration file, or give another --name.', asked)
      cli.print(endpoint, () => changedText(endpoint))
    })
}

type StatusCommand = { verb: string; status: EndpointStatus; what: string }

function addStatus(endpoints: Command, cli: Cli, { verb, status, what }: StatusCommand): void {
  withId(withServer(endpoints.command(verb)), 'endpoint')
    .description(what)
    .addHelpText('after', `\nExample:\n  $ signalbox endpoints ${verb} ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const endpoint = await clientOf(cli, options).endpoints.update(id, { status })
      cli.print(endpoint, () => statusText(endpoint))
    })
}

type RotateOptions = ServerOptions & { overlap?: number; revoke?: boolean; secret?: string }

function addRotate(endpoints: Command, cli: Cli): void {
  withSecret(withId(withServer(endpoints.command('rotate')), 'endpoint'))
    .description('replace the secret of an endpoint; the one so far signs as well for a while')
    .option('--overlap <hours>', 'for how long, 0 to 168 (default: 24)', parseHours)
    .option('--revoke', 'let all secrets so far sign no more, at once')
    .addHelpText(
      'after',
      `\nExamples:\n  $ signalbox endpoints rotate ${ID}\n  $ signalbox endpoints rotate ${ID} --revoke`,
    )
    .action(async (id: string, { server, overlap, revoke = false, secret }: RotateOptions) => {
      const given = await endpointOf(cli, secret === undefined ? {} : { secret })
      const overlap_hours = revoke ? 0 : overlap
      const asked = clientOf(cli, { server }).endpoints.rotate(id, { secret: given.secret, overlap_hours })
      const endpoint = await onConflict(`See what it has: signalbox endpoints show ${inline(id)}`, asked)
      cli.print(endpoint, () => rotatedText(endpoint))
    })
}

function addRemove(endpoints: Command, cli: Cli): void {
  withId(withServer(endpoints.command('rm')), 'endpoint')
    .description('delete an endpoint with its deliveries')
    .option('--yes', 'delete it with deliveries that are pending, too')
    .addHelpText('after', `\nExample:\n  $ signalbox endpoints rm ${ID} --yes`)
    .action(async (id: string, { server, yes = false }: ServerOptions & { yes?: boolean }) => {
      const asked = clientOf(cli, { server }).endpoints.remove(id, { force: yes })
      const pause = `signalbox endpoints pause ${inline(id)}`
      const hint = yes ? `To stop it: ${pause}` : `Add --yes to delete it all the same; to keep it: ${pause}`
      const deleted = await onConflict(hint, asked)
      const pending = deleted.pending_deliveries
      const lost = pending === 0 ? '' : ` with ${count(pending, 'pending delivery').replace(/ys$/, 'ies')}`
      cli.print(deleted, () => `"${inline(deleted.name)}" was deleted${lost}.`)
    })
}

function parseHours(value: string): number {
  if (/^\d{1,3}(\.\d{1,3})?$/.test(value) && Number(value) <= 168) return Number(value)
  throw new InvalidArgumentError('It must be a number of hours from 0 to 168.')
}
