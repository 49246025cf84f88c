// `signalbox nodes`: which processes are alive, what they run, and how one is drained.
import type { Node, NodeDetail, NodeList, NodeQuery } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { CliError } from './failure.ts'
import { withId } from './id.ts'
import type { PageOptions } from './page.ts'
import { printPage, withPaging } from './page.ts'
import type { Column } from './table.ts'
import { fields, table } from './table.ts'
import type { Cli } from './terminal.ts'
import { age, count } from './text.ts'

// Schema and configuration are in `show`: what matters of them here is whether nodes differ, which
// a warning says.
const COLUMNS: readonly Column<Node>[] = [
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'HOST', value: ({ host, pid }) => `${host}:${pid}`, shrinks: true },
  { title: 'ROLES', value: ({ roles }) => roles.join(', '), shrinks: true },
  { title: 'JOBS', value: ({ jobs, slots }) => `${jobs}/${slots}` },
  { title: 'DELIVERIES', value: ({ deliveries }) => deliveries },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'UP', value: (node) => age(node.started_at) },
  { title: 'HEARTBEAT', value: (node) => age(node.heartbeat_at) },
]

type Work = NodeDetail['work'][number]

const WORK: readonly Column<Work>[] = [
  { title: 'KIND', value: ({ kind }) => kind },
  { title: 'ID', value: ({ id }) => id, short: shortId },
  { title: 'RULE OR ENDPOINT', value: ({ name }) => name, shrinks: true },
  { title: 'ATTEMPT', value: ({ attempt }) => attempt },
  { title: 'SINCE', value: ({ since }) => age(since) },
  { title: 'LEASE UNTIL', value: (work) => work.lease_until },
]

const ID = '0199f2c1-7c1d-7b80-8f3e-5d0e1f2a3b4c'

function nodeText(node: NodeDetail, width: number | undefined): string {
  const head = fields([
    ['node', node.id],
    ['host', `${node.host}, process ${node.pid}`],
    ['roles', node.roles.join(', ')],
    ['status', node.status],
    ['slots', node.slots],
    ['agents', node.agents.join(', ')],
    ['version', node.version],
    ['schema', node.schema_version],
    ['configuration', node.config_sha256],
    ['started', node.started_at],
    ['last heartbeat', `${node.heartbeat_at} (${age(node.heartbeat_at)} ago, dead after ${node.lease_ms / 1000}s)`],
    ['asked to drain', node.drain_at],
  ])
  return node.work.length === 0 ? head : `${head}\n\n${table(WORK, node.work, width)}`
}

type ListOptions = PageOptions & Pick<NodeQuery, 'all'>

/** Adds `nodes ls`, `show` and `drain`. */
export function addNodes(nodes: Command, cli: Cli): void {
  withPaging(nodes.command('ls', { isDefault: true }))
    .description('list the nodes that have not stopped, newest first')
    .option('--all', 'those that have stopped in the last week, too')
    .addHelpText('after', '\nExample:\n  $ signalbox nodes ls')
    .action(async ({ server, ...query }: ListOptions) => {
      const page: NodeList = await clientOf(cli, { server }).nodes.list(query)
      printPage(cli, page, 'nodes', COLUMNS)
      if (!cli.json()) for (const each of page.differences) cli.err(`warning: ${each}\n`)
    })
  withId(withServer(nodes.command('show')), 'node')
    .description('show one node: what it runs, since when, and by which version and configuration')
    .addHelpText('after', `\nExample:\n  $ signalbox nodes show ${ID}`)
    .action(async (id: string, options: ServerOptions) => {
      const node = await clientOf(cli, options).nodes.get(id)
      cli.print(node, () => nodeText(node, cli.columns))
    })
  withServer(nodes.command('drain'))
    .argument('[node-id]', 'the id, or at least 6 characters of its beginning or end, as lists show it')
    .option('--older', 'all that differ from the newest node: of the newest version, the one that started last')
    .description('ask a node to begin nothing more, end what it runs, and exit with 0')
    .addHelpText('after', `\nExamples:\n  $ signalbox nodes drain ${ID}\n  $ signalbox nodes drain --older`)
    .action(async (id: string | undefined, { older = false, ...options }: ServerOptions & { older?: boolean }) => {
      if ((id !== undefined) === older) {
        throw new CliError('usage', 'Give the id of a node, or --older.', '"signalbox nodes ls" lists the ids.')
      }
      const client = clientOf(cli, options).nodes
      const { items } = id === undefined ? await client.drainOlder() : { items: [await client.drain(id)] }
      cli.print(id === undefined ? { items } : items[0], () => drainedText(items))
    })
}

function drainedText(nodes: readonly Node[]): string {
  if (nodes.length === 0) return 'All live nodes run what the one that started last does.'
  const ids = nodes.map((node) => `${shortId(node.id)} on ${node.host}`).join(', ')
  return `${count(nodes.length, 'node')} asked to drain: ${ids}. "signalbox nodes ls" shows when they have ended.`
}
