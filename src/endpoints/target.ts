// Where an endpoint is notified: what its kind makes of address, settings and credential.
import { addressGuard, urlProblem } from '../lib/address-guard.ts'
import { AppError } from '../lib/error.ts'
import type { Json, JsonObject } from '../lib/json.ts'
import type { Endpoint } from './endpoint.ts'

/** What was asked for; `url` is absent where the kind may not need one. */
export type AskedTarget = {
  kind: Endpoint['kind']
  url?: string | undefined
  settings: JsonObject
  credential: string | null
}

/** What is stored: `url` is what everybody may see, `credential` is sealed. */
export type Target = { url: string; settings: { [key: string]: Json }; credential: string | null }

/**
 * Checks where an endpoint is to be notified, and the messages of its own by type of event.
 * @throws AppError `input_invalid` with a line for each mistake, after the name of its field.
 */
export type ReadTarget = (asked: AskedTarget & { templates: Readonly<Record<string, string>> }) => Target

/** Takes webhooks at public addresses only. */
export function readTarget({ kind, url, settings, credential }: AskedTarget): Target {
  const problems = [
    ...(kind === 'webhook' ? [] : [`kind: ${JSON.stringify(kind)} is not supported yet; use "webhook"`]),
    ...(Object.keys(settings).length === 0 ? [] : ['settings: a webhook has none']),
    ...(credential === null ? [] : ['credential: a webhook has none; send what it needs in headers']),
  ]
  const problem = url === undefined ? 'is required' : urlProblem(url, addressGuard())
  if (problem !== null) problems.push(`url: ${problem}`)
  if (problems.length > 0 || url === undefined) throw new AppError('input_invalid', problems.join('\n'))
  return { url: new URL(url).href, settings, credential }
}
