// `signalbox trace`: what led to something, and what followed, drawn as a tree.
import type { Trace, TraceNode } from '@signalbox/sdk'
import type { Command } from 'commander'
import { shortId } from '../lib/short-id.ts'
import type { ServerOptions } from './api-client.ts'
import { clientOf, withServer } from './api-client.ts'
import { duration } from './duration.ts'
import type { Cli } from './terminal.ts'
import { age, inline, inOneLine } from './text.ts'
import { cut } from './width.ts'

const GOOD = new Set(['completed', 'published', 'succeeded'])
const BAD = new Set(['failed', 'rejected', 'refused'])

function statusText(cli: Cli, status: string): string {
  if (GOOD.has(status)) return cli.paint('green', status)
  return BAD.has(status) ? cli.paint('red', status) : cli.paint('yellow', status)
}

/** The tree as lines. */
function traceText(cli: Cli, { nodes, cut: isCut }: Trace): string {
  const lines: string[] = []
  let start = 0
  for (const [at, node] of nodes.entries()) {
    if (node.depth === 0) {
      start = Date.parse(node.at)
      if (at > 0) lines.push('')
    }
    const branch = branchOf(nodes, at)
    lines.push(inWidth(cli, `${branch.first}${nodeText(cli, node, start)}`))
    const details = [node.url, node.reason && inOneLine(node.reason)].filter((each) => each !== null && each !== '')
    for (const each of details) lines.push(inWidth(cli, `${branch.rest}${cli.paint('dim', inline(each))}`))
    if (node.more > 0) lines.push(`${branch.rest}… ${node.more} more`)
  }
  if (isCut) lines.push('', cli.paint('dim', 'There is more than is shown: trace the id of what you want to see.'))
  return lines.join('\n')
}

function nodeText(cli: Cli, node: TraceNode, start: number): string {
  const { kind, id, title, status, about, at, took_ms, asked, depth } = node
  const when = depth === 0 ? `${age(at)} ago` : `+${duration(Math.max(0, Date.parse(at) - start))}`
  const took = took_ms === null ? '' : `, took ${duration(took_ms)}`
  const what = `${cli.paint('bold', kind)} ${inline(title)}${about === null ? '' : ` about ${inline(about)}`}`
  return `${what}: ${statusText(cli, status)}  ${shortId(id)}  ${when}${took}${asked ? cli.paint('bold', '  ◀') : ''}`
}

/** What is before the first line of a node, and before its others. */
function branchOf(nodes: readonly TraceNode[], at: number): { first: string; rest: string } {
  const depth = nodes[at]?.depth ?? 0
  const goesOn = (level: number) => {
    const next = nodes.slice(at + 1).find((node) => node.depth <= level)
    return next?.depth === level
  }
  const bars = Array.from({ length: Math.max(0, depth - 1) }, (_, level) => (goesOn(level + 1) ? '│  ' : '   ')).join(
    '',
  )
  const hasChildren = nodes[at + 1] !== undefined && (nodes[at + 1]?.depth ?? 0) > depth
  const below = hasChildren ? '│  ' : '   '
  if (depth === 0) return { first: '', rest: below }
  const isLast = !goesOn(depth)
  return { first: `${bars}${isLast ? '└─ ' : '├─ '}`, rest: `${bars}${isLast ? '   ' : '│  '}${below}` }
}

function inWidth({ columns }: Cli, line: string): string {
  return columns === undefined ? line : cut(line, columns)
}

/** Completes `trace`. */
export function addTrace(trace: Command, cli: Cli): void {
  withServer(trace)
    .addHelpText(
      'after',
      `
The id is that of an event, a job, a delivery, a deployment or an output, or a part of one as lists show it; the
delivery id that GitHub shows; an address on GitHub; acme/shop#12; or a commit.

Examples:
  $ signalbox trace 5b2d6c9e4a10
  $ signalbox trace acme/shop#12`,
    )
    .action(async (id: string, { server }: ServerOptions) => {
      const found = await clientOf(cli, { server }).trace(id)
      cli.print(found, () => traceText(cli, found))
    })
}
