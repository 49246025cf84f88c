// A new connection must lead to a server that takes writes: after a failover the address may still
// be that of a standby, or of the primary before.
import type { PoolClient } from 'pg'
import type { Log } from '../lib/log.ts'

/** The cause of `database_unavailable` while the server at the address only reads. */
export class ReadOnlyServer extends Error {
  override name = 'ReadOnlyServer'
}

/**
 * The check of every new connection of a pool, as libpq's `target_session_attrs=read-write`: one to
 * a server that takes no writes is closed, and the next statement connects anew. The log says so
 * once, and when it is over.
 */
export function requireWritable(log: Log): (client: PoolClient, done: (error?: Error) => void) => void {
  let isReadOnly = false
  const note = (reason: string | null) => {
    if (reason === null && isReadOnly) log.info('the database takes writes again')
    if (reason !== null && !isReadOnly) log.warn({ reason }, 'the database is read-only: trying until it is not')
    isReadOnly = reason !== null
  }
  return (client, done) => {
    client.query<State>(STATE, (error, result) => {
      if (error) return done(error)
      const reason = reasonOf(result.rows[0])
      note(reason)
      done(reason === null ? undefined : new ReadOnlyServer(reason))
    })
  }
}

type State = { isReadOnly: boolean; isStandby: boolean }

const STATE = `select current_setting('transaction_read_only')::boolean as "isReadOnly",
  pg_is_in_recovery() as "isStandby"`

function reasonOf(state: State | undefined): string | null {
  if (state?.isReadOnly !== true) return null
  return state.isStandby
    ? 'the server at this address is a standby, which takes no writes'
    : 'the server at this address takes no writes (default_transaction_read_only)'
}
