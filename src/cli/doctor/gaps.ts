// The doctor on webhooks that did not arrive: whether they are looked for, and what was lost.
import { gapsProblem } from '../../config/gaps.ts'
import type { Sql } from '../../db/database.ts'
import { gapText } from '../../gaps/found-event.ts'
import { listGaps, listHooks } from '../../gaps/query.ts'
import type { HookState } from '../../gaps/wire.ts'
import type { Environment } from '../../lib/environment.ts'
import { age } from '../text.ts'
import type { Check } from './check.ts'
import { ok, warning } from './check.ts'

const NAME = 'GitHub webhooks'
const RECENT_MS = 7 * 24 * 60 * 60_000
// As often as by default, and the time that a look takes.
const LATE_MS = 30 * 60_000

/** Whether the deliveries of each webhook are looked at, and what is missing since a week. */
export async function gapsChecks(sql: Sql, environment: Environment): Promise<Check[]> {
  if (environment.GITHUB_WEBHOOK_SECRET.length === 0) return []
  const unable = gapsProblem(environment)
  if (unable !== null) return [warning(NAME, 'those that do not arrive are not looked for', unable)]
  if (environment.GITHUB_GAPS_INTERVAL_SECONDS === 0) {
    return [warning(NAME, 'looked at only by "signalbox gaps check"', 'Set GITHUB_GAPS_INTERVAL_SECONDS to 300.')]
  }
  const hooks = await listHooks(sql)
  if (hooks.length === 0) {
    return [warning(NAME, 'were not looked at yet', 'Start "signalbox serve", or run "signalbox gaps check".')]
  }
  return [...hooks.map(hookCheck), ...(await lostChecks(sql))]
}

function hookCheck({ hook, looked_at, problem }: HookState): Check {
  if (problem !== null) return warning(NAME, `${hook}: ${problem}`, 'Correct that, and run "signalbox gaps check".')
  const isLate = looked_at === null || Date.now() - Date.parse(looked_at) > LATE_MS
  if (!isLate) return ok(NAME, `${hook}: looked at ${age(looked_at)} ago`)
  const when = looked_at === null ? 'not looked at yet' : `last looked at ${age(looked_at)} ago`
  return warning(NAME, `${hook}: ${when}`, 'Start "signalbox serve", or read its log.')
}

async function lostChecks(sql: Sql): Promise<Check[]> {
  const { items } = await listGaps(sql, { limit: 100 })
  const recent = items.filter(({ found_at }) => Date.now() - Date.parse(found_at) < RECENT_MS)
  const lost = recent.filter((gap) => gap.lost > 0 || gap.reason !== null)
  return lost.map((gap) => warning('webhooks lost', gapText(gap), `"signalbox gaps show ${gap.id}" lists them.`))
}
