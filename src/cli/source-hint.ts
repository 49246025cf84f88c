// What opens a source that is closed.
import type { SourceSummary } from '@signalbox/sdk'

// The variable of a built-in source's secrets. The others bring theirs in the configuration file.
const SECRET_VARIABLE: Record<string, string> = { github: 'GITHUB_WEBHOOK_SECRET', agenta: 'AGENTA_WEBHOOK_SECRET' }

/** A source without its secrets; `hint` says how to open a closed one. */
export type ShownSource = SourceSummary & { hint: string | null }

/** A source as the API lists it, with what opens it. */
export function withHint(row: SourceSummary): ShownSource {
  const variable = SECRET_VARIABLE[row.name]
  const toOpen = variable === undefined ? 'give it a secret in signalbox.config.ts' : `set ${variable}`
  return { ...row, hint: row.status === 'open' ? null : toOpen }
}
