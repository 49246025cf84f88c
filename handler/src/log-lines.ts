// The lines of the log.
import type { ConfigProblem } from '../../src/agents/deployment-pr/schema.ts'
import type { DeploymentEvent } from '../../src/descriptions/deployment-event.ts'
import type { Receipt } from '../../src/publisher/output.ts'
import type { ChangeSet } from '../../src/publisher/pull-request-output.ts'
import { visible } from '../../src/untrusted/inert.ts'
import type { Webhook } from './webhook.ts'

const MAX_VALUE_CHARS = 200
const MAX_PROBLEMS = 20

/** A verified webhook has come. */
export function received({ type, timestamp, deliveryId }: Webhook): string[] {
  return [
    `📨 Received event: ${shown(type)}`,
    `   Timestamp: ${shown(timestamp)}`,
    `   Delivery ID: ${shown(deliveryId)}`,
    '',
  ]
}

/** It is a deployment that calls for a pull request. */
export function detected({ data }: DeploymentEvent): string[] {
  return [
    `🎯 ${capital(shown(data.environment))} deployment detected!`,
    `   App: ${shown(data.app_name)}`,
    `   Variant: ${shown(data.variant_name)}`,
    '',
  ]
}

/** The pull request is about to be opened. */
export function creating({ repository, base, branch }: Omit<ChangeSet, 'account'>): string[] {
  return [
    '📝 Creating GitHub PR...',
    `   Repository: ${repository}`,
    `   Base branch: ${base}`,
    `   Creating branch: ${branch}`,
    '',
  ]
}

/** The pull request is there; null when the base branch needed no change. */
export function published(receipt: Receipt | null): string[] {
  if (receipt === null) return ['✅ Nothing to change: the base branch already has this deployment']
  return [`✅ GitHub PR ${receipt.created ? 'created' : 'is there'}: ${receipt.url}`]
}

/** The deployment gets no pull request, and why. */
export function skipped({ skipped: reason }: { skipped: string }): string[] {
  return [`⏭️ ${shown(reason)}`]
}

/** Whether the configuration is valid. */
export function validated(problems: readonly ConfigProblem[]): string[] {
  if (problems.length === 0) return ['✅ The configuration is valid']
  return problems.slice(0, MAX_PROBLEMS).map(({ at, text }) => `⚠️ ${shown(`${at} ${text}`)}`)
}

/** The request was refused, or the pull request failed. A bug's stack is for the log only. */
export function failed({ code, detail, cause }: { code: string; detail: string; cause?: unknown }): string[] {
  return [`❌ ${code}: ${shown(detail)}`, ...(cause instanceof Error ? [cause.stack ?? String(cause)] : [])]
}

/** A value in a log line: one line, nothing hidden, of limited length. */
function shown(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return 'unknown'
  return visible(String(value).slice(0, MAX_VALUE_CHARS)).replace(/\s+/g, ' ')
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
