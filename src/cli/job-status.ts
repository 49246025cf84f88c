// The status of a job in words.
import type { JobSummary } from '@signalbox/sdk'

/** Its status, and what a running job becomes that a person has ended. */
export function statusText({ status, ends_as: end }: JobSummary): string {
  if (end === null) return status
  return end === 'cancelled' ? 'being cancelled' : `ending as ${end}`
}
