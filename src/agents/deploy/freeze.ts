// When nothing is deployed: windows of days, times and dates in a time zone (pure).

/** The days of the week, as a window names them. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const

/**
 * When nothing is deployed: on these days, between these times of each day (of the days, if both
 * are given; past midnight where `until` is not later than `from`), or on all days from a date to
 * another one, both included. A deployment waits until it is over, or is refused.
 */
export type Freeze = (
  | { days: readonly (typeof WEEKDAYS)[number][]; from?: string; until?: string }
  | { from: string; until: string }
  | { dates: { from: string; until: string } }
) & { during?: 'wait' | 'refuse'; reason?: string }

/** What is in the way of a deployment: until when, and why. `until` is null if that is far away. */
export type Frozen = { during: 'wait' | 'refuse'; until: Date | null; reason: string | null }

const MINUTE_MS = 60_000
// Offsets of time zones change at quarters of an hour only.
const QUARTER_MS = 15 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS
const LONGEST_MS = 60 * DAY_MS

/**
 * What is in the way at a time; null when nothing is. One that refuses comes before one that waits;
 * `until` is the end of all that follow each other.
 */
export function frozenAt(windows: readonly Freeze[], timeZone: string, at: Date): Frozen | null {
  const zone = zoneOf(timeZone)
  const open = windows.filter((window) => holds(window, zone(at.getTime())))
  const first = open.find(({ during }) => during === 'refuse') ?? open[0]
  if (first === undefined) return null
  const { during = 'wait', reason = null } = first
  return { during, until: endOf(windows, zone, at), reason }
}

/** Whether a text is a date of the calendar. */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

/** Whether a text names a time zone. */
export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

/** The first whole minute at which no window holds. */
function endOf(windows: readonly Freeze[], zone: Zone, at: Date): Date | null {
  const start = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS
  for (let ms = start + MINUTE_MS; ms <= start + LONGEST_MS; ms += MINUTE_MS) {
    const local = zone(ms)
    if (!windows.some((window) => holds(window, local))) return new Date(ms)
  }
  return null
}

/** The time on the clocks of a place, as if it were UTC. */
type Zone = (ms: number) => Date

function zoneOf(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
  let known = { quarter: Number.NaN, offsetMs: 0 }
  return (ms) => {
    const quarter = Math.floor(ms / QUARTER_MS)
    if (known.quarter !== quarter) known = { quarter, offsetMs: offsetOf(format, quarter * QUARTER_MS) }
    return new Date(ms + known.offsetMs)
  }
}

function offsetOf(format: Intl.DateTimeFormat, ms: number): number {
  const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d{2}):(\d{2})/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE_MS
}

function holds(window: Freeze, local: Date): boolean {
  if ('dates' in window) {
    const day = dayOf(local)
    return window.dates.from <= day && day <= window.dates.until
  }
  const { from = '00:00', until = '00:00' } = window
  const days = 'days' in window ? window.days : WEEKDAYS
  const isDay = (date: Date) => days.some((name) => name === WEEKDAYS[date.getUTCDay()])
  const time = local.toISOString().slice(11, 16)
  if (from < until) return isDay(local) && from <= time && time < until
  // It goes on past midnight, and belongs to the day on which it began.
  const before = new Date(local.getTime() - DAY_MS)
  return (isDay(local) && from <= time) || (isDay(before) && time < until)
}

function dayOf(local: Date): string {
  return local.toISOString().slice(0, 10)
}
