// An event read from a file: a stored one, a deployment's payload, or one of GitHub's.

import type { Facts } from '../events/facts.ts'
import { agenta } from '../sources/agenta/agenta.ts'
import { github } from '../sources/github/github.ts'
import type { Source } from '../sources/source.ts'
import { CliError } from './failure.ts'

/** What of an event rules look at. */
export type EventInFile = { source: string; type: string; facts: Facts }

type JsonObject = Record<string, unknown>

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// The first whose keys are all there, so what is a part of another comes later.
const TELLING_KEYS: readonly (readonly [event: string, ...keys: string[]])[] = [
  ['pull_request_review_thread', 'pull_request', 'thread'],
  ['pull_request_review_comment', 'pull_request', 'comment'],
  ['pull_request_review', 'pull_request', 'review'],
  ['pull_request', 'pull_request', 'number'],
  ['issue_comment', 'issue', 'comment'],
  ['issues', 'issue', 'action'],
  ['discussion_comment', 'discussion', 'comment'],
  ['discussion', 'discussion'],
  ['commit_comment', 'comment'],
  ['deployment_status', 'deployment_status'],
  ['deployment_review', 'workflow_run', 'environment'],
  ['workflow_job', 'workflow_job'],
  ['deployment', 'deployment'],
  ['workflow_run', 'workflow_run'],
  ['check_run', 'check_run'],
  ['check_suite', 'check_suite'],
  ['release', 'release'],
  ['push', 'ref', 'before', 'after'],
  ['create', 'ref_type', 'master_branch'],
  ['delete', 'ref_type', 'pusher_type'],
  ['status', 'sha', 'state', 'branches'],
  ['fork', 'forkee'],
  ['ping', 'zen'],
]

/** Which of GitHub's events a payload is, by its keys; undefined when they do not show it. */
export function githubEventOf(payload: JsonObject): string | undefined {
  return TELLING_KEYS.find(([, ...keys]) => keys.every((key) => Object.hasOwn(payload, key)))?.[0]
}

function normalised(source: Source, payload: JsonObject, headers: Record<string, string>): EventInFile {
  const all: Record<string, string> = { 'content-type': 'application/json', ...headers }
  const bytes = Buffer.from(JSON.stringify(payload))
  const { type, facts } = source.normalise(bytes, { get: (name) => all[name.toLowerCase()] ?? null })
  return { source: source.name, type, facts }
}

/**
 * Reads an event as the server would have: a stored one (as `events show --json` prints it), a
 * deployment or another event of Agenta's (it has `event`), or GitHub's payload, whose event is
 * `event` or shown by its keys.
 * @throws CliError
 */
export function eventIn(given: unknown, name: string, options: { event?: string; source?: string }): EventInFile {
  const read = readEvent(given, name, options.event)
  return options.source === undefined ? read : { ...read, source: options.source }
}

function readEvent(given: unknown, name: string, event: string | undefined): EventInFile {
  if (!isObject(given)) {
    throw new CliError('json_invalid', `${name} is not a JSON object.`, 'Give the payload of one event.')
  }
  if (typeof given.type === 'string' && isObject(given.facts)) {
    return { source: String(given.source ?? 'file'), type: given.type, facts: given.facts as Facts }
  }
  if (event === undefined && Object.hasOwn(given, 'event')) return normalised(agenta({ secrets: [] }), given, {})
  const named = event ?? githubEventOf(given)
  if (named === undefined) {
    throw new CliError(
      'event_unknown',
      `${name} does not show which event it is.`,
      'Say it as GitHub does in X-GitHub-Event, for example: --event pull_request',
    )
  }
  return normalised(github({ secrets: [] }), given, { 'x-github-event': named, 'x-github-delivery': 'file' })
}
