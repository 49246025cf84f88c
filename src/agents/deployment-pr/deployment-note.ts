// What a deployment says on a pull request that a newer one has taken over: a few lines.
import { cut } from '../../lib/cut.ts'
import { inline, visible } from '../../untrusted/inert.ts'
import { utc } from './body.ts'
import { changeEntries } from './changes.ts'
import type { DeploymentEvent } from './deployment-event.ts'
import { readChanges } from './deployment-event.ts'

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
  const entries = changeEntries(readChanges(data.config_diff))
  let chars = lines.join('\n').length
  for (const [at, { heading, entry }] of entries.entries()) {
    const [title = ''] = entry.split('\n')
    const kind = heading.replace(/^### | Parameters$/g, '').toLowerCase()
    const line = `${cut(title.replace(/:$/, ''), MAX_LINE_CHARS)} (${kind})`
    chars += line.length + 1
    if (chars > MAX_CHARS - 100) return [...lines, `- ${entries.length - at} more`].join('\n')
    lines.push(line)
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
