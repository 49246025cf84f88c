// Endpoints in words, for a terminal.
import type { ChangedEndpoint, CreatedEndpoint, Endpoint } from '@signalbox/sdk'
import { shortId } from '../lib/short-id.ts'
import type { Column } from './table.ts'
import { fields } from './table.ts'
import { age, count, inline, inOneLine } from './text.ts'

const KEEP_IT = 'Give the secret to the receiver now: it is not shown again.'

/** The columns of a list. */
export const COLUMNS: readonly Column<Endpoint>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'NAME', value: ({ name }) => name, shrinks: true },
  { title: 'STATUS', value: statusOf, shrinks: true },
  { title: 'EVENTS', value: ({ events }) => listed(events), shrinks: true },
  { title: 'ENVIRONMENTS', value: ({ environments }) => listed(environments), shrinks: true },
  { title: 'APPS', value: ({ apps }) => listed(apps), shrinks: true },
  { title: 'URL', value: ({ url }) => url, short: (url) => url.replace(/^https:\/\//, ''), shrinks: 24 },
]

/** A new endpoint, with its secret if one was made. */
export function addedText(endpoint: CreatedEndpoint): string {
  const lines = fields([
    ...identity(endpoint),
    ['events', listed(endpoint.events)],
    ['environments', listed(endpoint.environments)],
    ['apps', listed(endpoint.apps)],
    ['secret', endpoint.secret],
  ])
  return endpoint.secret === undefined ? lines : `${lines}\n\n${KEEP_IT}`
}

/** All of an endpoint that is shown. */
export function endpointText(endpoint: Endpoint): string {
  return fields([
    ...identity(endpoint),
    ['kind', endpoint.kind],
    ['status', statusOf(endpoint)],
    ['since', endpoint.status_since],
    ['health', healthOf(endpoint)],
    ['events', listed(endpoint.events)],
    ['projects', listed(endpoint.projects)],
    ['environments', listed(endpoint.environments)],
    ['apps', listed(endpoint.apps)],
    ['conditions', endpoint.conditions],
    ['settings', orNothing(endpoint.settings)],
    ['headers', endpoint.headers.join(', ')],
    ['credential', endpoint.has_credential ? 'set' : null],
    ['format', endpoint.format],
    ['signatures', endpoint.signatures.join(', ')],
    ['ordering', endpoint.ordering],
    ['schedule', endpoint.schedule?.map((seconds) => `${seconds}s`).join(', ')],
    ['rate', endpoint.rate_per_second === null ? null : `${endpoint.rate_per_second} per second`],
    ['concurrency', endpoint.concurrency],
    ['templates', orNothing(endpoint.templates)],
    ...endpoint.secrets.map((each): [string, string] => ['secret', secretText(each)]),
    ['origin', endpoint.origin],
    ['created', endpoint.created_at],
    ['updated', endpoint.updated_at],
  ])
}

/** A changed endpoint, and what it lost with its URL. */
export function changedText({ dropped, ...endpoint }: ChangedEndpoint): string {
  if (dropped.length === 0) return endpointText(endpoint)
  const lost = `Taken away with the old URL, because it may not be meant for the new one: ${inline(dropped.join(', '))}.`
  return `${endpointText(endpoint)}\n\n${lost}\nGive it again with endpoints edit --header or --credential.`
}

/** What became of its status. */
export function statusText(endpoint: Endpoint): string {
  const words = `"${inline(endpoint.name)}" is ${inline(statusOf(endpoint))}.`
  return endpoint.origin === 'config'
    ? `${words}\nIt is of the configuration, whose status counts again from the next start.`
    : words
}

/** An endpoint whose secret was replaced. */
export function rotatedText({ name, secret, secrets }: CreatedEndpoint): string {
  return [
    `"${inline(name)}" is signed with:`,
    ...secrets.map((each) => `  ${inline(secretText(each))}`),
    ...(secret === undefined ? [] : ['', fields([['secret', secret]]), '', KEEP_IT]),
  ].join('\n')
}

function identity({ id, name, url }: Endpoint): [string, string][] {
  return [
    ['endpoint', id],
    ['name', name],
    ['url', url],
  ]
}

function listed(globs: readonly string[] | null): string {
  return globs === null ? 'all' : globs.join(', ')
}

function statusOf({ status, status_reason }: Endpoint): string {
  // A server of an older release says no reason.
  return (status_reason ?? null) === null ? status : `${status}: ${status_reason}`
}

function healthOf({ health }: Endpoint): string {
  if (health.failures === 0) {
    return health.last_success_at === null ? 'nothing was sent yet' : `well, ${age(health.last_success_at)} ago`
  }
  const state = health.state === 'open' ? 'left alone, and tried from time to time' : 'failing'
  const error = health.last_error === null ? '' : `: ${inOneLine(health.last_error)}`
  return `${state} since ${health.failing_since} (${count(health.failures, 'failure')}${error})`
}

function secretText({ fingerprint, created_at: created, expires_at: expires }: Endpoint['secrets'][number]): string {
  return `${fingerprint}, created ${created}${expires === null ? '' : `, signs until ${expires}`}`
}

function orNothing(value: object): object | null {
  return Object.keys(value).length === 0 ? null : value
}
