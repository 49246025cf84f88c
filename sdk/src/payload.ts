// The bodies Signalbox sends, field by field; these names are a wire contract and never change.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/**
 * How a configuration differs from the one it replaced, by the dotted path of each parameter
 * (`model.temperature`).
 */
export type ConfigDiff = {
  added: Record<string, Json>
  modified: Record<string, { old: Json; new: Json }>
  removed: Record<string, Json>
}

/**
 * The envelope of every event Signalbox delivers: its own (`job.completed`, `environment.deployed`)
 * and those of other sources (`push`), whose `data` is a `RelayedData`.
 */
export type SignalboxEvent = {
  /** The event's type. */
  event: string
  /** When it happened, RFC 3339. */
  timestamp: string
  /** The same on every attempt: remember it to act once. */
  delivery_id: string
  project_id?: string | null
  data: Record<string, unknown>
}

/**
 * What went live where. The optional fields are Signalbox's additions, absent from a sender that
 * knows only Agenta's contract.
 */
export type DeploymentData = {
  app_name: string
  variant_name: string
  variant_id: string | null
  environment: string
  revision: number | null
  commit_message: string | null
  config_diff: ConfigDiff
  deployed_by: string
  deployment_id: string
  /** The whole configuration, or null at 20 kB and above: then it is at `config_url`. */
  config?: Json
  config_url?: string | null
  /** SHA-256 of the configuration's canonical JSON, in hex. */
  config_sha256?: string
  /**
   * Counts the deployments of one project, app and environment, from 1: a lower one than the last
   * seen is stale.
   */
  sequence?: number
  previous_deployment_id?: string | null
}

/** A configuration went live in an environment. */
export type EnvironmentDeployed = {
  event: 'environment.deployed'
  timestamp: string
  delivery_id: string
  project_id: string
  data: DeploymentData
}

/** An event that another source sent, with what Signalbox read from it. */
export type RelayedData = {
  /** The source's name in Signalbox: `github`, `agenta`, or one from the configuration. */
  source: string
  /** What the event is about, such as `acme/shop#12`; null when the source does not say. */
  subject: string | null
  /** Who caused it; null when the source does not say. */
  actor: string | null
  /**
   * What rules match on, such as `repository`, `branch` and `environment`; only what the event has.
   */
  facts: { [name: string]: Json }
  /**
   * The source's own payload as JSON, unchanged in meaning: for GitHub, the object its
   * documentation describes.
   */
  payload: Json
}

/**
 * An event of another source, such as GitHub's `push`, in the envelope of every event. `event` is
 * its type in Signalbox, which may be finer than the source's (`issues.labeled`).
 */
export type RelayedEvent = {
  event: string
  /** When Signalbox received it, RFC 3339. */
  timestamp: string
  /**
   * The source's own id for it. The `id` that `verifyWebhook` returns is Signalbox's: remember that
   * one.
   */
  delivery_id: string
  /** The project it belongs to; null when the source does not say. */
  project_id: string | null
  data: RelayedData
}

/** Whether parsed JSON has the envelope every event has. */
export function isSignalboxEvent(value: unknown): value is SignalboxEvent {
  return (
    isRecord(value) &&
    [value.event, value.timestamp, value.delivery_id].every((field) => typeof field === 'string') &&
    isRecord(value.data)
  )
}

const REQUIRED_TEXT = ['app_name', 'variant_name', 'environment', 'deployed_by', 'deployment_id']

/**
 * Whether an event is a deployment with every field a handler needs, so that `payload.data` can be
 * used as typed.
 */
export function isEnvironmentDeployed(payload: unknown): payload is EnvironmentDeployed {
  if (!isSignalboxEvent(payload) || payload.event !== 'environment.deployed') return false
  const { data } = payload
  const diff = data.config_diff
  return (
    typeof payload.project_id === 'string' &&
    REQUIRED_TEXT.every((field) => typeof data[field] === 'string') &&
    isRecord(diff) &&
    isRecord(diff.added) &&
    isRecord(diff.modified) &&
    isRecord(diff.removed)
  )
}

/** Whether an event came from another source, so that its `data.payload` is that source's own. */
export function isRelayedEvent(payload: unknown): payload is RelayedEvent {
  if (!isSignalboxEvent(payload)) return false
  const { data, project_id: project } = payload
  return (
    (project === null || typeof project === 'string') &&
    typeof data.source === 'string' &&
    [data.subject, data.actor].every((field) => field === null || typeof field === 'string') &&
    isRecord(data.facts) &&
    data.payload !== undefined
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
