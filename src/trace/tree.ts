// The tree below the roots of a trace: level by level, so that what is near is shown first where
// there is too much.
import type { Sql } from '../db/database.ts'
import type { Children } from './children.ts'
import { childrenOf } from './children.ts'
import type { Ref, Row } from './node.ts'
import { KINDS, keyOf, publicId } from './node.ts'
import type { Trace, TraceNode } from './wire.ts'

const MAX_NODES = 300
const MAX_DEPTH = 24

type Placed = Row & Ref & { children: Placed[]; more: number }

/**
 * The trees below these nodes. `paths` are the chains from what was asked for up to each root:
 * these are shown however many others there are.
 */
export async function treesOf(sql: Sql, paths: readonly (readonly Ref[])[]): Promise<Trace> {
  const placed = new Map<string, Placed>()
  const roots = await placePaths(sql, paths, placed)
  const expanded = new Set<Placed>()
  let isCut = false
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const level = [...placed.values()].filter((node) => !expanded.has(node))
    if (level.length === 0) break
    for (const node of level) expanded.add(node)
    for (const children of await childrenOf(sql, level)) placeChildren(children, placed)
  }
  for (const node of placed.values()) {
    isCut ||= node.more > 0
    if (node.kind === 'job') putUnderOutputs(node)
  }
  const asked = new Set(paths.flatMap(([first]) => (first === undefined ? [] : [keyOf(first)])))
  return { nodes: roots.flatMap((root) => listed(root, asked)), cut: isCut }
}

async function placePaths(
  sql: Sql,
  paths: readonly (readonly Ref[])[],
  placed: Map<string, Placed>,
): Promise<Placed[]> {
  const rows = await readRows(sql, paths.flat())
  const roots: Placed[] = []
  for (const path of paths) {
    let above: Placed | undefined
    for (const ref of path.toReversed()) {
      const row = rows.get(keyOf(ref))
      const known = placed.get(keyOf(ref))
      if (known === undefined && row !== undefined) {
        const node = place(row, above, placed)
        if (above === undefined) roots.push(node)
        above = node
      } else above = known ?? above
    }
  }
  return roots
}

function placeChildren({ parent, rows, total }: Children, placed: Map<string, Placed>): void {
  const above = placed.get(keyOf(parent))
  const others = rows.filter((row) => !placed.has(keyOf(row)))
  const fitting = others.slice(0, Math.max(0, MAX_NODES - placed.size))
  for (const row of fitting) place(row, above, placed)
  if (above === undefined) return
  // What was on a path is there already, whether or not it is among the first.
  const known = above.children.filter(({ kind, id }) => kind === rows[0]?.kind && !rows.some((row) => row.id === id))
  above.more += total - rows.length - known.length + others.length - fitting.length
}

function place(row: Row & Ref, above: Placed | undefined, placed: Map<string, Placed>): Placed {
  const node = { ...row, children: [], more: 0 }
  placed.set(keyOf(row), node)
  above?.children.push(node)
  return node
}

/** What the forge reports of an output of a job belongs to that. */
function putUnderOutputs(job: Placed): void {
  const isSame = (one: string | null, other: string | null) => one !== null && one === other
  job.children = job.children.filter((event) => {
    const output = job.children.find(
      ({ kind, repository, number, sha }) =>
        kind === 'output' &&
        event.kind === 'event' &&
        isSame(repository?.toLowerCase() ?? null, event.repository?.toLowerCase() ?? null) &&
        (isSame(number, event.number) || isSame(sha, event.sha)),
    )
    output?.children.push(event)
    return output === undefined
  })
}

/** Ids of what is not there any more have no row. */
async function readRows(sql: Sql, refs: readonly Ref[]): Promise<ReadonlyMap<string, Row & Ref>> {
  const found = new Map<string, Row & Ref>()
  for (const kind of new Set(refs.map((ref) => ref.kind))) {
    const { from, alias, columns } = KINDS[kind]
    const ids = refs.flatMap((ref) => (ref.kind === kind ? [ref.id] : []))
    const { rows } = await sql.query<Row>(`select ${columns} from ${from} where ${alias}.id = any($1::uuid[])`, [ids])
    for (const row of rows) found.set(keyOf({ kind, id: row.id }), { ...row, kind })
  }
  return found
}

/** A node and all below it, each after its parent. */
function listed(root: Placed, asked: ReadonlySet<string>): TraceNode[] {
  const nodes: TraceNode[] = []
  const add = (node: Placed, parent: Placed | null, depth: number) => {
    const { kind, title, status, reason, about, url, at, took_ms, more } = node
    const place = { id: publicId(node), parent: parent && publicId(parent), depth, asked: asked.has(keyOf(node)) }
    nodes.push({ kind, ...place, title, status, reason, about, url, at, took_ms, more })
    for (const child of node.children.toSorted(byTime)) add(child, node, depth + 1)
  }
  add(root, null, 0)
  return nodes
}

function byTime(one: Placed, other: Placed): number {
  return one.at < other.at ? -1 : one.at > other.at ? 1 : 0
}
