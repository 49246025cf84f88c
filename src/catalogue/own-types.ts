// The events that this program reports itself: for each type what is sent, as a schema, and an
// example.
import type { OwnEventData, OwnEventType } from '@signalbox/sdk'
import { z } from 'zod'
import { gap } from '../gaps/wire.ts'
import { canonicalSha256 } from '../lib/json.ts'
import { configDiff, json } from '../lib/wire.ts'

/** The time of an event. */
export const timestamp = z.string().meta({ format: 'date-time', description: 'When it happened, RFC 3339.' })

/** The id by which a receiver knows a delivery again. */
export const deliveryId = z.string().meta({ description: 'The same on every attempt: remember it to act once.' })

/** The mark of a test delivery. */
export const isTest = z.literal(true).optional().meta({ description: 'There in a test delivery only.' })

const endedJob = z.object({
  job_id: z.string(),
  job_type: z.string(),
  rule: z.string().meta({ description: 'The rule that made it.' }),
  agent: z.string(),
  attempt: z.int().meta({ description: 'How often it was started.' }),
  event_id: z.string().nullable().meta({ description: 'The event it was made for.' }),
  subject: z.string().nullable().meta({ description: 'What that event is about, such as `acme/shop#12`.' }),
})

const reportedEndpoint = z.object({
  endpoint_id: z.string(),
  endpoint_name: z.string(),
  url: z.string().meta({ description: 'Its address, without what is secret in it.' }),
})
const failingEndpoint = reportedEndpoint.extend({
  failures: z.int().meta({ description: 'Failed attempts since the last one that succeeded.' }),
  failing_since: z.string().nullable().meta({ format: 'date-time' }),
  error: z.string().nullable().meta({ description: 'Why the last one failed.' }),
})

const deployment = z.object({
  app_name: z.string(),
  variant_name: z.string(),
  variant_id: z.string().nullable(),
  environment: z.string(),
  revision: z.number().nullable(),
  commit_message: z.string().nullable(),
  config_diff: configDiff,
  deployed_by: z.string(),
  deployment_id: z.string(),
  config: json.optional().meta({ description: 'The whole configuration; null at 20 kB and above.' }),
  config_url: z.string().nullable().optional().meta({ description: 'Where the configuration is, if it is not here.' }),
  config_sha256: z.string().optional().meta({ description: "SHA-256 of the configuration's canonical JSON, in hex." }),
  sequence: z.int().optional().meta({ description: 'Counts the deployments of one app and environment, from 1.' }),
  previous_deployment_id: z.string().nullable().optional(),
})

/** The schema of each type's `data`. */
export const OWN_DATA = {
  'environment.deployed': deployment,
  'environment.merged': z.object({
    deployment_id: z.string(),
    app_name: z.string(),
    environment: z.string(),
    project_id: z.string(),
    repository: z.string().meta({ description: 'Where the pull request is.' }),
    pull_request: z.int(),
    url: z.string(),
    merge_sha: z.string().nullable(),
    merged_by: z.string().nullable(),
  }),
  'job.completed': endedJob.extend({ result: json.meta({ description: 'What its agent returned.' }) }),
  'job.failed': endedJob.extend({ error: z.string() }),
  'job.waiting': endedJob.extend({
    name: z.string().meta({ description: 'What its agent calls that which it waits for.' }),
    kind: z.enum(['event', 'approval']),
    reason: z.string().nullable().meta({ description: 'Of an approval: why it is asked for.' }),
    since: z.string().meta({ format: 'date-time' }),
    until: z.string().meta({ format: 'date-time', description: 'When it goes on without it.' }),
  }),
  'endpoint.failing': failingEndpoint,
  'endpoint.disabled': failingEndpoint,
  'endpoint.recovered': failingEndpoint,
  'delivery.exhausted': reportedEndpoint.extend({
    delivery_id: z.string().meta({ description: 'The delivery that failed.' }),
    event_id: z.string().meta({ description: 'The event that did not arrive.' }),
    event_type: z.string(),
    attempts: z.int(),
    error: z.string().nullable().meta({ description: 'Why the last attempt failed.' }),
  }),
  'rule.paused': z.object({
    rule: z.string(),
    reason: z.string(),
    job_id: z.string().meta({ description: 'The last of its jobs.' }),
    error: z.string().nullable().meta({ description: 'How that failed, if it did.' }),
  }),
  'gap.found': z.object({ gap_id: z.string(), ...gap.omit({ id: true, found_at: true }).shape }),
  'deployment.drifted': z.object({
    deployment_id: z.string(),
    app_name: z.string(),
    environment: z.string(),
    sequence: z.int().meta({ description: 'Counts the deployments of one app and environment, from 1.' }),
    repository: z.string(),
    branch: z.string(),
    path: z.string(),
    commit: z.string().nullable().meta({ description: 'The head of the branch.' }),
    file: z.enum(['changed', 'missing', 'unreadable']),
    file_config_sha256: z.string().nullable().meta({ description: 'Of the canonical configuration in the file.' }),
    config_diff: configDiff.meta({ description: 'From what was deployed to what the file has, without secrets.' }),
  }),
} as const satisfies Record<OwnEventType, z.ZodObject>

/** The schema of an event of a type: its envelope, with the type's `data`. */
export function ownSchema(type: OwnEventType) {
  const project = z.string().meta({ description: 'The project it belongs to.' })
  return z.object({
    event: z.literal(type),
    timestamp,
    delivery_id: deliveryId,
    project_id: type === 'environment.deployed' ? project : project.nullable().optional(),
    data: OWN_DATA[type].extend({ test: isTest }),
  })
}

/** What each type says, in a sentence. */
export const OWN_DESCRIPTIONS: Readonly<Record<OwnEventType, string>> = {
  'environment.deployed': 'A configuration went live in an environment.',
  'environment.merged': 'The pull request of a deployment was merged.',
  'job.completed': 'A job has ended; `result` is what its agent returned.',
  'job.failed': 'A job has ended without success, and is not attempted again.',
  'job.waiting': 'A job waits for an event, or for somebody to approve or reject it.',
  'endpoint.failing': 'So many attempts failed that an endpoint is only tried from time to time.',
  'endpoint.disabled': 'An endpoint was disabled after days of nothing but failure.',
  'endpoint.recovered': 'An endpoint answers again, and what has waited for it is sent.',
  'delivery.exhausted': 'A delivery failed, and is not attempted again; said once an hour of an endpoint.',
  'rule.paused': 'A rule was paused because of what its jobs came to, and makes no more until it is resumed.',
  'gap.found': 'Webhooks had not arrived, and were fetched from their forge as far as it keeps them.',
  'deployment.drifted': 'A file in a repository is not what was deployed last.',
}

const JOB = {
  job_id: '01934e00-0000-7000-8000-000000000001',
  job_type: 'code-review',
  rule: 'review',
  agent: 'reviewer',
  attempt: 1,
  event_id: '01934e00-0000-7000-8000-000000000002',
  subject: 'acme/shop#12',
}
const ENDPOINT = {
  endpoint_id: '01934e00-0000-7000-8000-000000000003',
  endpoint_name: 'hooks.example.com',
  url: 'https://hooks.example.com/signalbox',
}
const FAILURES = { failures: 20, failing_since: '2026-01-01T00:00:00.000Z', error: 'http_500' }

/** An example of each type's `data`. */
export const OWN_EXAMPLES: Readonly<OwnEventData> = {
  'environment.deployed': {
    app_name: 'customer-support-bot',
    variant_name: 'v2-optimized',
    variant_id: 'variant_customer-support-bot',
    environment: 'production',
    revision: 15,
    commit_message: 'Improved response quality',
    config_diff: { added: {}, modified: { temperature: { old: 0.7, new: 0.5 } }, removed: {} },
    deployed_by: 'jane@company.com',
    deployment_id: 'deploy_01934e00-0000-7000-8000-000000000004',
    config: { temperature: 0.5 },
    config_url: null,
    config_sha256: canonicalSha256({ temperature: 0.5 }),
    sequence: 15,
    previous_deployment_id: 'deploy_01934e00-0000-7000-8000-000000000005',
  },
  'environment.merged': {
    deployment_id: 'deploy_01934e00-0000-7000-8000-000000000004',
    app_name: 'customer-support-bot',
    environment: 'production',
    project_id: 'project_abc',
    repository: 'acme/shop',
    pull_request: 12,
    url: 'https://github.com/acme/shop/pull/12',
    merge_sha: '8f0f1d2a3c4b5e6f708192a3b4c5d6e7f8091a2b',
    merged_by: 'jane',
  },
  'job.completed': { ...JOB, result: { comment: 'It looks good.' } },
  'job.failed': { ...JOB, error: 'The model did not answer in time.' },
  'job.waiting': {
    ...JOB,
    name: 'ship',
    kind: 'approval',
    reason: 'Deploy acme/shop to production',
    since: '2026-01-01T00:00:00.000Z',
    until: '2026-01-31T00:00:00.000Z',
  },
  'endpoint.failing': { ...ENDPOINT, ...FAILURES },
  'endpoint.disabled': { ...ENDPOINT, ...FAILURES },
  'endpoint.recovered': { ...ENDPOINT, ...FAILURES },
  'delivery.exhausted': {
    ...ENDPOINT,
    delivery_id: '01934e00-0000-7000-8000-000000000006',
    event_id: '01934e00-0000-7000-8000-000000000002',
    event_type: 'environment.deployed',
    attempts: 10,
    error: 'http_500',
  },
  'rule.paused': {
    rule: 'review',
    reason: "3 of its jobs failed in a row. The last one's error: The model did not answer in time.",
    job_id: '01934e00-0000-7000-8000-000000000001',
    error: 'The model did not answer in time.',
  },
  'gap.found': {
    gap_id: '01934e00-0000-8000-8000-000000000007',
    hook: 'repos/acme/shop/hooks/42',
    began_at: '2026-01-01T02:14:00.000Z',
    ended_at: '2026-01-01T02:31:00.000Z',
    reason: null,
    deliveries: 9,
    refused: 0,
    recovered: 9,
    matched: 3,
    arrived: 0,
    lost: 0,
    pending: 0,
  },
  'deployment.drifted': {
    deployment_id: 'deploy_01934e00-0000-7000-8000-000000000004',
    app_name: 'customer-support-bot',
    environment: 'production',
    sequence: 15,
    repository: 'acme/prompts',
    branch: 'main',
    path: 'deployments/customer-support-bot/production.json',
    commit: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    file: 'changed',
    file_config_sha256: canonicalSha256({ temperature: 0.9 }),
    config_diff: { added: {}, modified: { temperature: { old: 0.5, new: 0.9 } }, removed: {} },
  },
}
