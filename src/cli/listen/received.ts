// A delivery that was received, in words.
import type { ConfigDiff } from '@signalbox/sdk'
import { isEnvironmentDeployed, isRelayedEvent, isSignalboxEvent } from '@signalbox/sdk'
import { fields } from '../table.ts'
import type { Cli } from '../terminal.ts'
import { count, indent, inline } from '../text.ts'
import type { Verdict } from './verdicts.ts'

/** What was received, and what it was answered. */
export type Received = {
  received_at: string
  /** `webhook-id`; null without one. */
  id: string | null
  /** How often this id came before. */
  seen_before: number
  /** The type in the body, else in a header. */
  event: string | null
  verdicts: Verdict[]
  answered: { status: number | null; reason: string | null; duration_ms: number }
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The body as JSON, or as text where it is not JSON. */
  body: unknown
}

const MARKS = { right: '✓', wrong: '✗', unchecked: '?' } as const
const COLOURS = { right: 'green', wrong: 'red', unchecked: 'yellow' } as const
const MAX_CHANGES = 20

/** The block that is printed for a delivery. */
export function receivedText(cli: Pick<Cli, 'paint'>, received: Received): string {
  const { received_at: at, id, seen_before: before, answered, verdicts, body } = received
  const { status, reason, duration_ms: ms } = answered
  const answer = `${status === null ? 'no answer' : status}${reason === null ? '' : ` (${inline(reason)})`} in ${ms} ms`
  const title = `${at.slice(11, 19)}  ${cli.paint('bold', inline(received.event ?? 'no event'))}  → ${answer}`
  const about = fields([
    ['id', before === 0 ? id : `${id} (seen ${count(before, 'time')} before)`],
    ['delivery', isSignalboxEvent(body) ? body.delivery_id : null],
    ...aboutFields(body),
  ])
  const signatures = verdicts.map(({ scheme, verdict, why }) => {
    const text = `${MARKS[verdict]} ${scheme}${why === null ? '' : `: ${inline(why)}`}`
    return cli.paint(COLOURS[verdict], text)
  })
  const signed = signatures.length === 0 ? [cli.paint('red', '✗ no signature')] : signatures
  const changed = isEnvironmentDeployed(body) ? changesOf(body.data.config_diff) : []
  return [title, ...[about, ...signed, ...changed].filter((each) => each !== '').map((each) => indent(each))].join('\n')
}

function aboutFields(body: unknown): [name: string, value: unknown][] {
  if (isEnvironmentDeployed(body)) {
    const { app_name, environment, variant_name, deployed_by, commit_message } = body.data
    return [
      ['about', `${app_name}@${environment}, ${variant_name}`],
      ['by', deployed_by],
      ['message', commit_message],
    ]
  }
  if (isRelayedEvent(body)) {
    const { source, subject, actor, facts } = body.data
    return [
      ['source', source],
      ['about', subject],
      ['by', actor],
      ['facts', facts],
    ]
  }
  return isSignalboxEvent(body) ? [['data', body.data]] : [['body', body]]
}

/** `~ temperature: 0.7 → 0.5`, a line for each parameter. */
function changesOf({ added, modified, removed }: ConfigDiff): string[] {
  const lines = [
    ...Object.entries(added).map(([path, value]) => `+ ${inline(path)}: ${shown(value)}`),
    ...Object.entries(modified).map(
      ([path, change]) => `~ ${inline(path)}: ${shown(change?.old)} → ${shown(change?.new)}`,
    ),
    ...Object.entries(removed).map(([path, value]) => `- ${inline(path)}: ${shown(value)}`),
  ]
  const more = lines.length - MAX_CHANGES
  return more > 0 ? [...lines.slice(0, MAX_CHANGES), `… and ${more} more`] : lines
}

function shown(value: unknown): string {
  const text = inline(JSON.stringify(value))
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
