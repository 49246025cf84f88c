// The bodies Signalbox sends, field by field; these names are a wire contract and never change.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** How a configuration differs from the one it replaced, by top-level key. */
export interface ConfigDiff {
  added: Record<string, Json>
  modified: Record<string, { old: Json; new: Json }>
  removed: Record<string, Json>
}

/** The envelope of every event Signalbox delivers: `job.completed`, `environment.deployed`, GitHub's own types… */
export interface SignalboxEvent {
  /** The event's type. */
  event: string
  /** When it happened, RFC 3339. */
  timestamp: string
  /** The same on every attempt: remember it to act once. */
  delivery_id: string
  project_id?: string | null
  data: Record<string, unknown>
}

/** What went live where. The optional fields are Signalbox's additions, absent from a sender that speaks only Agenta's contract. */
export interface DeploymentData {
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
  /** Counts the deployments of one app and environment, from 1: a lower one than the last seen is stale. */
  sequence?: number
  previous_deployment_id?: string | null
}

/** A configuration went live in an environment. */
export interface EnvironmentDeployed {
  event: 'environment.deployed'
  timestamp: string
  delivery_id: string
  project_id: string
  data: DeploymentData
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
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

/** Whether an event is a deployment with every field a handler needs, so that `payload.data` can be used as typed. */
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
