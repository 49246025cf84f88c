// The events that Signalbox reports of itself, typed.
import type { Gap } from './api-gaps.ts'
import type { ConfigDiff, DeploymentData, EnvironmentDeployed, Json, SignalboxEvent } from './payload.ts'
import { isEnvironmentDeployed, isSignalboxEvent } from './payload.ts'

/** What is said of a job that has ended. */
export type EndedJob = {
  job_id: string
  job_type: string
  /** The rule that made it. */
  rule: string
  agent: string
  /** How often it was started. */
  attempt: number
  /** The event it was made for; null where that is no longer stored. */
  event_id: string | null
  /** What that event is about, such as `acme/shop#12`. */
  subject: string | null
}

/** What is said of an endpoint. */
export type ReportedEndpoint = {
  endpoint_id: string
  endpoint_name: string
  /** Its address, without what is secret in it. */
  url: string
}

/** How an endpoint fails. */
export type EndpointFailures = {
  /** Failed attempts since the last one that succeeded. */
  failures: number
  failing_since: string | null
  /** Why the last one failed. */
  error: string | null
}

/** The `data` of each of these events. A test delivery has `test: true` in it as well. */
export type OwnEventData = {
  /** A configuration went live in an environment. */
  'environment.deployed': DeploymentData
  /** The pull request of a deployment was merged; of several for an environment, of the newest. */
  'environment.merged': {
    deployment_id: string
    app_name: string
    environment: string
    project_id: string
    repository: string
    pull_request: number
    url: string
    merge_sha: string | null
    merged_by: string | null
  }
  /** A file in a repository is not what was deployed last. */
  'deployment.drifted': {
    deployment_id: string
    app_name: string
    environment: string
    /** Counts the deployments of the app to the environment, from 1. */
    sequence: number
    repository: string
    branch: string
    path: string
    /** The head of the branch. */
    commit: string | null
    file: 'changed' | 'missing' | 'unreadable'
    /** SHA-256 of the canonical configuration in the file. */
    file_config_sha256: string | null
    /** From what was deployed to what the file has, without secrets. */
    config_diff: ConfigDiff
  }
  /** A job has ended; `result` is what its agent returned. */
  'job.completed': EndedJob & { result: Json }
  /** A job has ended without success, and is not attempted again. */
  'job.failed': EndedJob & { error: string }
  /** A job waits for an event, or for somebody to approve or reject it. */
  'job.waiting': EndedJob & {
    name: string
    kind: 'event' | 'approval'
    /** Of an approval: why it is asked for. */
    reason: string | null
    since: string
    /** When it goes on without it. */
    until: string
  }
  /** So many attempts failed that an endpoint is only tried from time to time. */
  'endpoint.failing': ReportedEndpoint & EndpointFailures
  /** An endpoint was disabled after days of nothing but failure. */
  'endpoint.disabled': ReportedEndpoint & EndpointFailures
  /** An endpoint answers again, and what has waited for it is sent. */
  'endpoint.recovered': ReportedEndpoint & EndpointFailures
  /** A delivery failed, and is not attempted again; said once an hour of an endpoint. */
  'delivery.exhausted': ReportedEndpoint & {
    /** The delivery that failed; the envelope's `delivery_id` is this event's own. */
    delivery_id: string
    event_id: string
    event_type: string
    attempts: number
    error: string | null
  }
  /** A rule was paused because of what its jobs came to; it makes no more until it is resumed. */
  'rule.paused': {
    rule: string
    reason: string
    /** The last of its jobs, and how that failed, if it did. */
    job_id: string
    error: string | null
  }
  /** Webhooks had not arrived, and were fetched from their forge as far as it keeps them. */
  'gap.found': { gap_id: string } & Omit<Gap, 'id' | 'found_at'>
}

/** The types of the events that Signalbox reports of itself. */
export type OwnEventType = keyof OwnEventData

/** An event that Signalbox reports of itself. `environment.deployed` has a `project_id`. */
export type OwnEvent<Type extends OwnEventType = OwnEventType> = {
  [Each in Type]: Each extends 'environment.deployed'
    ? EnvironmentDeployed
    : Omit<SignalboxEvent, 'event' | 'data'> & { event: Each; data: OwnEventData[Each] }
}[Type]

const ENDED_JOB = ['job_id', 'job_type', 'rule', 'agent']
const ENDPOINT = ['endpoint_id', 'endpoint_name', 'url']

/** The fields of each that are text, and always there. */
const TEXTS: Record<Exclude<OwnEventType, 'environment.deployed'>, readonly string[]> = {
  'environment.merged': ['deployment_id', 'app_name', 'environment', 'project_id', 'repository', 'url'],
  'deployment.drifted': ['deployment_id', 'app_name', 'environment', 'repository', 'branch', 'path', 'file'],
  'job.completed': ENDED_JOB,
  'job.failed': [...ENDED_JOB, 'error'],
  'job.waiting': [...ENDED_JOB, 'name', 'kind', 'since', 'until'],
  'endpoint.failing': ENDPOINT,
  'endpoint.disabled': ENDPOINT,
  'endpoint.recovered': ENDPOINT,
  'delivery.exhausted': [...ENDPOINT, 'delivery_id', 'event_id', 'event_type'],
  'rule.paused': ['rule', 'reason', 'job_id'],
  'gap.found': ['gap_id', 'hook', 'began_at', 'ended_at'],
}

/**
 * Whether a payload is an event of Signalbox's own, with what its type promises:
 * `isOwnEvent(payload, 'job.failed')`, or without a type for any of them, to `switch` on `event`.
 */
export function isOwnEvent<Type extends OwnEventType = OwnEventType>(
  payload: unknown,
  type?: Type,
): payload is OwnEvent<Type> {
  if (!isSignalboxEvent(payload) || (type !== undefined && payload.event !== type)) return false
  if (payload.event === 'environment.deployed') return isEnvironmentDeployed(payload)
  if (!Object.hasOwn(TEXTS, payload.event)) return false
  const texts = TEXTS[payload.event as keyof typeof TEXTS]
  return texts.every((field) => typeof payload.data[field] === 'string')
}
