// Which nodes are alive, in SQL: those whose last heartbeat is not older than their leases.

/** Whether the node of this alias is alive, by the database's clock. */
export function isAlive(node: string): string {
  return `${node}.status <> 'stopped' and ${node}.heartbeat_at > now() - ${node}.lease_ms * interval '1 ms'`
}

/** Whether this owner is a node that is dead; a process that is no node is not known to be. */
export function isDead(owner: string): string {
  return `exists (select from signalbox.nodes dead where dead.id = ${owner} and not (${isAlive('dead')}))`
}
