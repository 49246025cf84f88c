// The pull request's body: the sections a reviewer expects, with everything untrusted made inert.
import { inline, visible } from '../../untrusted/inert.ts'
import { REDACTED } from '../../untrusted/redact.ts'
import type { ChangeEntry } from './changes.ts'
import { changeEntries, isShortened } from './changes.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { hasNoConfig, readChanges } from './deployment-event.ts'

// GitHub accepts 65,536 characters. Bytes are counted to be on the safe side, and the hidden marker
// comes on top.
const MAX_BODY_BYTES = 60_000
// For the two notes below the changes.
const MAX_NOTES_BYTES = 3000
const MAX_MESSAGE_LINES = 50
const MAX_MESSAGE_BYTES = 15_000
// Far more than is shown.
const MAX_MESSAGE_CHARS = 200_000

/**
 * The body in Markdown, under 60 kB; `file` is the committed file's path, named when the changes
 * had to be shortened.
 */
export function pullRequestBody(event: DeploymentEvent, file: string): string {
  const before = heading(event)
  const after = [...message(event), ...CLOSING_SECTIONS].join('\n')
  const maxBytes = MAX_BODY_BYTES - Buffer.byteLength(before) - Buffer.byteLength(after)
  return [before, ...changes(event, file, maxBytes), after].join('\n')
}

function heading({ timestamp, data }: DeploymentEvent): string {
  const [app, environment] = [inline(data.app_name), inline(data.environment)]
  const revision =
    data.revision === null || data.revision === undefined ? '' : ` (revision ${inline(String(data.revision))})`
  return [
    `# 🤖 Agenta Deployment: ${app} → ${environment}`,
    '',
    `**Environment**: ${environment}`,
    `**Application**: ${app}`,
    `**Variant**: ${inline(data.variant_name || 'unknown')}${revision}`,
    `**Deployed by**: ${inline(data.deployed_by || 'unknown')}`,
    `**Timestamp**: ${utc(timestamp)}`,
    '',
    '## Changes',
    '',
  ].join('\n')
}

/** A time as readers of a pull request see it; what is no time, as it is. */
export function utc(timestamp: string): string {
  const at = new Date(timestamp)
  return Number.isNaN(at.getTime()) ? inline(timestamp) : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function changes({ data }: DeploymentEvent, file: string, maxBytes: number): string[] {
  const read = readChanges(data.config_diff)
  const entries = changeEntries(read)
  const elsewhere = hasNoConfig(data) ? [withoutConfigNote(data.config_url), ''] : []
  if (entries.length === 0) {
    const note = read.unreadable ? 'The configuration changes could not be read' : 'No configuration changes detected'
    return [`*${note}*`, '', ...elsewhere]
  }
  const shown = entriesWithin(maxBytes - MAX_NOTES_BYTES, entries)
  const lines = underHeadings(shown)
  const isRedacted = lines.some((line) => line.includes(REDACTED))
  const missing = entries.length - shown.length
  return [
    ...lines,
    ...(isRedacted ? [`*What looks like a secret is shown as ${REDACTED}.*`, ''] : []),
    ...(missing > 0 ? [shortenedNote(missing, file, data.config_url), ''] : []),
    ...(missing === 0 && shown.some(isShortened)
      ? [`*Long values are shortened: see ${whereWhole(file, data.config_url)}.*`, '']
      : []),
    ...elsewhere,
  ]
}

/** The first entries, as many as take up at most so many bytes with their headings. */
function entriesWithin(maxBytes: number, entries: readonly ChangeEntry[]): ChangeEntry[] {
  const shown: ChangeEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    bytes += Buffer.byteLength([...headingLines(entry, shown.at(-1)), entry.entry].join('\n')) + 1
    if (bytes > maxBytes) break
    shown.push(entry)
  }
  return shown
}

function underHeadings(entries: readonly ChangeEntry[]): string[] {
  return [...entries.flatMap((entry, at) => [...headingLines(entry, entries[at - 1]), entry.entry]), '']
}

/** What stands above an entry: its heading, unless the entry before has the same. */
function headingLines({ heading: title }: ChangeEntry, previous: ChangeEntry | undefined): string[] {
  if (previous === undefined) return [title, '']
  return previous.heading === title ? [] : ['', title, '']
}

function shortenedNote(missing: number, file: string, url: string | null | undefined): string {
  const more = missing === 1 ? 'One more change is' : `${missing} more changes are`
  return `*${more} too long to be shown here: see ${whereWhole(file, url)}.*`
}

function whereWhole(file: string, url: string | null | undefined): string {
  const where = link(url)
  return `${inline(file)} in this pull request${where === '' ? '' : `, or ${where}`}`
}

function withoutConfigNote(url: string | null | undefined): string {
  const where = link(url)
  return `*The configuration was too large for the webhook, so the file does not have it${where === '' ? '' : `: see ${where}`}.*`
}

function link(url: string | null | undefined): string {
  const href = url && URL.canParse(url) ? new URL(url) : null
  if (href === null || !/^https?:$/.test(href.protocol) || href.href.length > 1000) return ''
  return `[the whole configuration](<${href.href}>)`
}

function message({ data }: DeploymentEvent): string[] {
  const text = visible((data.commit_message ?? '').slice(0, MAX_MESSAGE_CHARS)).trim()
  return ['## Commit Message', '', ...(text === '' ? ['*No commit message*'] : quoted(text.split('\n'))), '']
}

function quoted(lines: readonly string[]): string[] {
  const shown: string[] = []
  let bytes = 0
  for (const line of lines.slice(0, MAX_MESSAGE_LINES)) {
    const quote = line.trim() === '' ? '>' : `> ${inline(line)}`
    bytes += Buffer.byteLength(quote)
    if (bytes > MAX_MESSAGE_BYTES) break
    shown.push(quote)
  }
  const missing = lines.length - shown.length
  return missing > 0 ? [...shown, '>', `> *${missing} more lines*`] : shown
}

const CLOSING_SECTIONS = [
  '## Review Checklist',
  '',
  '- [ ] Config changes reviewed',
  '- [ ] Deployment tested in staging',
  '- [ ] Rollback plan documented',
  '',
  '---',
  '',
  '*Automatically generated by Agenta via webhook*',
]
