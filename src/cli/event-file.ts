// An event read from a file: a stored one, a deployment's payload, or one of GitHub's.

import type { Facts } from '../events/facts.ts'
import type { JsonObject } from '../lib/json.ts'
import { isObject } from '../lib/json.ts'
import { readAgenta } from '../sources/agenta/payload.ts'
import { githubEventOf } from '../sources/github/event-of.ts'
import { readGithub } from '../sources/github/github.ts'
import { CliError } from './failure.ts'

/** What of an event rules look at. */
export type EventInFile = { source: string; type: string; facts: Facts }

/**
 * Reads an event as the server would have: a stored one (as `events show --json` prints it), a
 * deployment or another event of Agenta's (it has `event`), or GitHub's payload, whose event is
 * `githubEvent` or shown by its keys.
 * @throws CliError
 */
export function eventIn(
  given: unknown,
  name: string,
  options: { githubEvent?: string | undefined; source?: string },
): EventInFile {
  const read = readEvent(given, name, options.githubEvent)
  return options.source === undefined ? read : { ...read, source: options.source }
}

function readEvent(given: unknown, name: string, event: string | undefined): EventInFile {
  if (!isObject(given)) {
    throw new CliError('json_invalid', `${name} is not a JSON object.`, 'Pass the payload of one event.')
  }
  if (typeof given.type === 'string' && isObject(given.facts)) {
    return { source: String(given.source ?? 'file'), type: given.type, facts: given.facts as Facts }
  }
  const deployed = event === undefined && Object.hasOwn(given, 'event') ? readAgenta(given as JsonObject) : undefined
  if (deployed?.type !== undefined) return { source: 'agenta', type: deployed.type, facts: deployed.facts }
  const named = event ?? githubEventOf(given)
  if (named === undefined) {
    throw new CliError(
      'event_unknown',
      `${name} does not show which event it is.`,
      'Say it as GitHub does in X-GitHub-Event, for example: --github-event pull_request',
    )
  }
  const { type, facts } = readGithub(named, given)
  return { source: 'github', type, facts }
}
