// The nodes of a server: listed, shown, and drained.
import type { Page } from './api.ts'
import type { NodeDetail, NodeList, NodeQuery } from './api-nodes.ts'
import type { Transport } from './transport.ts'

/** The running processes of Signalbox. */
export type NodesClient = {
  list(query?: NodeQuery): Promise<NodeList>
  get(id: string): Promise<NodeDetail>
  /** It begins nothing more, ends what it runs, and exits. */
  drain(id: string): Promise<NodeDetail>
  /** Drains those that differ from the one that started last. */
  drainOlder(): Promise<Page<NodeDetail>>
}

/** The nodes over a transport. */
export function nodesOf({ get, post }: Transport): NodesClient {
  const one = (id: string): string => `api/nodes/${encodeURIComponent(id)}`
  return {
    list: (query) => get('api/nodes', query),
    get: (id) => get(one(id)),
    drain: (id) => post(`${one(id)}/drain`),
    drainOlder: () => post('api/nodes/drain-older'),
  }
}
