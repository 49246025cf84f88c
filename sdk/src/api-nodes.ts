// What the HTTP API answers of nodes, field by field. Times are ISO 8601 in UTC.
import type { PageQuery } from './api.ts'

/** What a node does; `dead`: its last heartbeat is older than its leases. */
export type NodeStatus = 'idle' | 'running' | 'draining' | 'stopped' | 'dead'

/** A running process of Signalbox. */
export type Node = {
  id: string
  host: string
  pid: number
  roles: ('receiver' | 'orchestrator')[]
  status: NodeStatus
  /** How many jobs it runs at once. */
  slots: number
  /** How many jobs and deliveries are its own. */
  jobs: number
  deliveries: number
  version: string | null
  /** The newest migration that its program has. */
  schema_version: string | null
  /** The same on all nodes with the same configuration. */
  config_sha256: string | null
  drain_at: string | null
  started_at: string
  heartbeat_at: string
}

/** A node with what is its own at the moment. */
export type NodeDetail = Node & {
  agents: string[]
  /** How old its heartbeat may be. */
  lease_ms: number
  work: {
    kind: 'job' | 'delivery'
    id: string
    /** The rule of a job, the endpoint of a delivery. */
    name: string
    attempt: number
    since: string | null
    /** Another node takes it after that, if it is not renewed. */
    lease_until: string
  }[]
}

/** Which nodes to list; those that have stopped with `all` only. */
export type NodeQuery = PageQuery & { all?: boolean | undefined }

/** A page of nodes; `differences` says what live ones differ in. */
export type NodeList = { items: Node[]; next: string | null; differences: string[] }
