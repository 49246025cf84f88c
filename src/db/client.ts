// One connection of its own, for what takes as long as it takes.
import pg from 'pg'
import { connectionConfig } from './connection.ts'

/** Opens a connection whose statements are never ended for the time they take. */
export async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionConfig(url), query_timeout: 0 })
  // Whoever waits for a statement is notified of the end of the connection by that.
  client.on('error', () => {})
  await client.connect()
  await client.query(
    `set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set client_encoding = 'UTF8'`,
  )
  return client
}
