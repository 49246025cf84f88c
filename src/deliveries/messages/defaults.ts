// The messages of endpoints that have none of their own: plain text, the first line its title.
import { compileGlobs, NAME } from '../../lib/glob.ts'
import { isObject } from '../../lib/json.ts'

/** Of jobs whose agent has said in a sentence what came of them. */
const SAID = {
  refused: lines('🚫 {{data.result.message}}', '{{data.subject}}', '{{link}}'),
  'job.completed': lines('✅ {{data.result.message}}', '{{data.subject}}', '{{data.result.url}}', '{{link}}'),
  // The error of a deployment is such a sentence.
  'job.failed': lines('❌ {{data.error}}', '{{data.subject}}', '{{link}}'),
}

/** By type of event, as globs; the first that matches is used. */
const DEFAULTS: readonly (readonly [types: string, template: string])[] = [
  [
    'environment.deployed',
    lines(
      '🚀 {{data.app_name}} is live in {{data.environment}}',
      'Variant: {{data.variant_name}}',
      'Revision: {{data.revision}}',
      'Deployed by: {{data.deployed_by}}',
      'Message: {{data.commit_message | short}}',
      '{{data.config_diff | changes}}',
      '{{link}}',
    ),
  ],
  [
    'environment.merged',
    lines(
      '🔀 The pull request of {{data.app_name}} in {{data.environment}} was merged',
      'By: {{data.merged_by}}',
      '{{data.url}}',
    ),
  ],
  [
    'job.completed',
    lines(
      '✅ {{data.job_type}} completed',
      '{{data.subject}}',
      'Result: {{data.result | short}}',
      'Agent: {{data.agent}}, attempt {{data.attempt}}',
      '{{link}}',
    ),
  ],
  [
    'job.failed',
    lines(
      '❌ {{data.job_type}} failed',
      '{{data.subject}}',
      'Error: {{data.error}}',
      'Agent: {{data.agent}}, attempt {{data.attempt}}',
      '{{link}}',
    ),
  ],
  [
    'job.waiting',
    lines(
      '⏳ {{data.job_type}} waits: {{data.name}}',
      '{{data.subject}}',
      '{{data.reason}}',
      'Until: {{data.until}}',
      '{{link}}',
    ),
  ],
  [
    'deployment.drifted',
    lines(
      '🔀 {{data.path}} of {{data.repository}} is not what was deployed to {{data.environment}}',
      '{{data.config_diff | changes}}',
      '{{link}}',
    ),
  ],
  ['endpoint.failing', alert('⚠️ The endpoint {{data.endpoint_name}} fails')],
  ['endpoint.disabled', alert('⛔ The endpoint {{data.endpoint_name}} was disabled')],
  ['endpoint.recovered', alert('✅ The endpoint {{data.endpoint_name}} works again', 'Had failed since')],
  ['delivery.exhausted', alert('⚠️ {{data.event_type}} could not be delivered to {{data.endpoint_name}}')],
  ['rule.paused', lines('⏸️ The rule {{data.rule}} is paused', '{{data.reason}}', '{{link}}')],
  [
    'gap.found',
    lines(
      '🕳️ {{data.deliveries}} webhooks of {{data.hook}} did not arrive',
      'From {{data.began_at}} to {{data.ended_at}}',
      'Recovered: {{data.recovered}}, lost: {{data.lost}}',
      '{{data.reason}}',
      '{{link}}',
    ),
  ],
  [
    'push',
    lines('{{data.actor}} pushed to {{data.subject}}', '{{data.payload.head_commit.message | short}}', '{{link}}'),
  ],
  [
    'release.*',
    lines('Release {{data.payload.release.tag_name}} {{data.payload.action}}', '{{data.subject}}', '{{link}}'),
  ],
  ['pull_request.*', about('Pull request', 'pull_request')],
  ['issues.*', about('Issue', 'issue')],
  ['*', lines('{{event}}', '{{data.subject}}', '{{data.actor}}', '{{link}}')],
]

/** The message of an event whose endpoint has none of its own; `data` is what it says. */
export function defaultTemplate(type: string, data: unknown): string {
  const { message, refused } = part(part(data).result)
  if (type === 'job.completed' && typeof message === 'string') return refused === true ? SAID.refused : SAID[type]
  if (type === 'job.failed' && part(data).agent === 'deploy') return SAID[type]
  return DEFAULTS.find(([types]) => compileGlobs(types, NAME)(type))?.[1] ?? ''
}

function part(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {}
}

function alert(title: string, since = 'Failing since'): string {
  return lines(
    title,
    'Reason: {{data.reason}}',
    'Address: {{data.url}}',
    `${since}: {{data.failing_since}}`,
    'Attempts: {{data.attempts}}',
    'Last error: {{data.last_error}}{{data.error}}',
    '{{link}}',
  )
}

function about(what: string, name: string): string {
  return lines(
    `${what} {{data.subject}} {{data.payload.action}} by {{data.actor}}`,
    `{{data.payload.${name}.title | short}}`,
    '{{link}}',
  )
}

function lines(...text: string[]): string {
  return text.join('\n')
}
