// Times as people give them to `--since` and `--until`.
import { InvalidArgumentError } from 'commander'

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `2h`, `30m` or `3d` ago, or a time in ISO 8601, as that. */
export function parseTime(value: string): string {
  const ago = /^(\d{1,6})([smhd])$/.exec(value)
  const unit = UNITS[ago?.[2] ?? '']
  if (ago !== null && unit !== undefined) return new Date(Date.now() - Number(ago[1]) * unit).toISOString()
  const at = /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  throw new InvalidArgumentError('It must be how long ago, such as 2h or 3d, or a time such as 2026-01-31T12:00:00Z.')
}
