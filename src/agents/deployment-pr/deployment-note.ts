// What a deployment says on a pull request that a newer one has taken over: a few lines.

import { utc } from '../../descriptions/body.ts'
import { changeCount, changeEntries } from '../../descriptions/changes.ts'
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import { readChanges } from '../../descriptions/deployment-event.ts'
import { cut } from '../../lib/cut.ts'
import { inline, visible } from '../../untrusted/inert.ts'

const MAX_CHARS = 2000
const MAX_LINE_CHARS = 300
const MAX_MESSAGE_LINES = 3
const MAX_MESSAGE_CHARS = 200_000

/**
 * From an event without secrets: who deployed what and when, the message, and the changes; long
 * values are only named.
 */
export function deploymentNote({ timestamp, data }: DeploymentEvent): string {
  const text = (value: string) => inline(cut(value, MAX_LINE_CHARS))
  const lines = [
    `**${text(data.variant_name || 'unknown')}** by ${text(data.deployed_by || 'unknown')}, ${utc(timestamp)}`,
    ...messageLines(data.commit_message ?? '').map((line) => `> ${text(line)}`),
    '',
  ]
  const changes = readChanges(data.config_diff)
  let chars = lines.join('\n').length
  let shown = 0
  for (const { heading, entry } of changeEntries(changes)) {
    const [title = ''] = entry.split('\n')
    const kind = heading.replace(/^### | Parameters$/g, '').toLowerCase()
    const line = `${cut(title.replace(/:$/, ''), MAX_LINE_CHARS)} (${kind})`
    chars += line.length + 1
    if (chars > MAX_CHARS - 100) return [...lines, `- ${changeCount(changes) - shown} more`].join('\n')
    lines.push(line)
    shown += 1
  }
  return lines.join('\n').trimEnd()
}

function messageLines(message: string): string[] {
  const lines = visible(message.slice(0, MAX_MESSAGE_CHARS))
    .split('\n')
    .filter((line) => line.trim() !== '')
  const shown = lines.slice(0, MAX_MESSAGE_LINES)
  return lines.length > shown.length ? [...shown, '…'] : shown
}
