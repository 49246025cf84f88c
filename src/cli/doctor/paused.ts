// The doctor on what is paused, by a person or by Signalbox.
import type { Sql } from '../../db/database.ts'
import { listPaused } from '../../pauses/list.ts'
import { age } from '../text.ts'
import type { Check } from './check.ts'
import { ok, warning } from './check.ts'

const MAX_NAMED = 5

/** What is paused, since when and why. An endpoint that a person paused is as it should be. */
export async function pausedCheck(database: Sql): Promise<Check> {
  const paused = (await listPaused(database)).filter(({ kind }) => kind !== 'endpoint')
  if (paused.length === 0) return ok('paused', 'nothing')
  const named = paused.slice(0, MAX_NAMED).map(({ kind, name, since, reason }) => {
    const what = name === null ? kind : `${kind} ${JSON.stringify(name)}`
    return `${what} for ${age(since)}: ${reason}`
  })
  const more = paused.length > MAX_NAMED ? [`and ${paused.length - MAX_NAMED} more`] : []
  const hint = 'Mend what the reason names, then run "signalbox resume" with what it is; see "signalbox pause ls".'
  return warning('paused', [...named, ...more].join('; '), hint)
}
