// Nodes on the wire: what the API answers, checked and described by one schema each.
import { z } from 'zod'
import { time } from '../lib/wire.ts'

/** What a node does; `dead`: its last heartbeat is older than its leases. */
const nodeStatus = z.enum(['idle', 'running', 'draining', 'stopped', 'dead'])

const node = z.object({
  id: z.uuid(),
  host: z.string(),
  pid: z.int(),
  roles: z.array(z.enum(['receiver', 'orchestrator'])),
  status: nodeStatus,
  slots: z.int().meta({ description: 'How many jobs it runs at once.' }),
  jobs: z.int().meta({ description: 'How many jobs are its own.' }),
  deliveries: z.int().meta({ description: 'How many deliveries are its own.' }),
  version: z.string().nullable(),
  schema_version: z.string().nullable().meta({ description: 'The newest migration that its program has.' }),
  config_sha256: z.string().nullable().meta({ description: 'The same on all nodes with the same configuration.' }),
  drain_at: time.nullable().meta({ description: 'When it was asked to drain.' }),
  started_at: time,
  heartbeat_at: time,
})

/** A node in a list. */
export const nodeSummary = node.meta({ id: 'Node' })
export type NodeSummary = z.infer<typeof nodeSummary>

/** A page of nodes, and what differs between those that are alive. */
export const nodeList = z
  .object({
    items: z.array(nodeSummary),
    next: z.string().nullable().meta({ description: 'The `cursor` of the next page; null on the last one.' }),
    differences: z.array(z.string()).meta({ description: 'A sentence for each thing that live nodes differ in.' }),
  })
  .meta({ id: 'Nodes' })
export type NodeList = z.infer<typeof nodeList>

/** A node with what is its own at the moment. */
export const nodeDetail = node
  .extend({
    agents: z.array(z.string()),
    lease_ms: z.int().meta({ description: 'How old its heartbeat may be.' }),
    work: z
      .array(
        z.object({
          kind: z.enum(['job', 'delivery']),
          id: z.uuid(),
          name: z.string().meta({ description: 'The rule of a job, the endpoint of a delivery.' }),
          attempt: z.int(),
          since: time.nullable(),
          lease_until: time.meta({ description: 'Another node takes it after that, if it is not renewed.' }),
        }),
      )
      .meta({ description: 'The longest first, at most 200.' }),
  })
  .meta({ id: 'NodeDetail' })
export type NodeDetail = z.infer<typeof nodeDetail>
