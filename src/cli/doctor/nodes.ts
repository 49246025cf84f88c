// The doctor on the nodes: whether those that are alive run the same.
import type { Database } from '../../db/database.ts'
import { differencesNow } from '../../nodes/differences.ts'
import type { Check } from './check.ts'
import { ok, warning } from './check.ts'

/** Whether live nodes have one version, one set of tables and one configuration. */
export async function nodesCheck(database: Database): Promise<Check> {
  const differences = await differencesNow(database)
  if (differences.length === 0) return ok('nodes', 'those that are alive run the same')
  const hint = 'Give all the same file and environment; "signalbox nodes drain --older" ends those that are older.'
  return warning('nodes', differences.join(' '), hint)
}
