// GitHub Actions: an event of a repository, or a run of one of its workflows.
import { z } from 'zod'
import type { Dispatch } from '../../forges/forge.ts'
import { AppError } from '../../lib/error.ts'
import type { Json, JsonObject } from '../../lib/json.ts'
import { isObject } from '../../lib/json.ts'
import { DEFAULT_FORGE, parseRepositoryRef, plainRepositoryName, repositoryName } from '../../lib/repository.ts'
import { filledIn, shownValues } from '../messages/message.ts'
import { templateProblem } from '../messages/template.ts'
import type { Kind, ToPrepare } from './kind.ts'
import { parseSettings, refuseGiven } from './kind.ts'

// https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event: less than 64 kB, and
// ten properties. Some bytes are left for what is around the payload.
const MAX_PAYLOAD_BYTES = 64_000
const MAX_EVENT_TYPE_CHARS = 100
// What is kept of each value of an event that is too large.
const MAX_THIN_CHARS = 300
// https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#providing-inputs
const MAX_INPUTS = 25
const MAX_INPUT_CHARS = 60_000

const line = z.string().trim().min(1).max(MAX_EVENT_TYPE_CHARS)
const input = z
  .string()
  .max(1500)
  .superRefine((text, context) => {
    const problem = templateProblem(text)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
const settings = z.strictObject({
  repository: repositoryName,
  event_type: line.optional(),
  workflow: z
    .string()
    // Only dots would be another path.
    .regex(/^(?!\.+$)[\w.-]{1,100}$/, 'must be the name of a file in .github/workflows, or its number')
    .optional(),
  ref: z.string().min(1).max(250).optional(),
  inputs: z
    .record(z.string().regex(/^[A-Za-z_][\w-]{0,99}$/, 'must be the name of an input'), input)
    .refine((inputs) => Object.keys(inputs).length <= MAX_INPUTS, `must have at most ${MAX_INPUTS} entries`)
    .optional(),
})

/** GitHub Actions, through the installation's own connection to GitHub. */
export const githubDispatch: Kind = {
  readSettings(given) {
    refuseGiven(given, 'url', 'the repository is settings.repository', `${DEFAULT_FORGE}:`)
    refuseGiven(given, 'credential', 'GitHub is called with GITHUB_TOKEN, or as the GitHub App')
    const { repository, ...rest } = parseSettings(settings, given.settings)
    requireOneWay(rest)
    const { forge, path } = parseRepositoryRef(repository)
    if (forge !== null && forge !== DEFAULT_FORGE) {
      throw new AppError('input_invalid', 'settings.repository: must be on GitHub; write owner/name')
    }
    const stored = Object.entries({ repository: plainRepositoryName(repository), ...rest })
    return {
      url: `${DEFAULT_FORGE}:${path}`,
      settings: Object.fromEntries(stored.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
      credential: null,
    }
  },

  prepare(delivery) {
    const stored = parseSettings(settings, delivery.endpoint.settings)
    const { repository } = stored
    if (isOfActions(delivery, repository)) {
      return { by: 'nothing', reason: 'The event is about GitHub Actions of that repository, and would repeat itself.' }
    }
    return { by: 'forge', repository, dispatch: dispatchOf(delivery, stored) }
  },
}

type Settings = z.infer<typeof settings>

/** An event, or a workflow with its ref. */
function requireOneWay({ event_type, workflow, ref, inputs }: Omit<Settings, 'repository'>): void {
  const problem =
    workflow === undefined
      ? ref !== undefined || inputs !== undefined
        ? 'settings.workflow: is required with settings.ref and settings.inputs'
        : null
      : event_type !== undefined
        ? 'settings.event_type: is not used with settings.workflow; set one of them'
        : ref === undefined
          ? 'settings.ref: is required with settings.workflow; it is the branch or tag to run it at'
          : null
  if (problem !== null) throw new AppError('input_invalid', problem)
}

/**
 * What GitHub reports of its Actions where they were started: each dispatch would cause the next.
 */
function isOfActions({ event: { source, type, facts } }: ToPrepare, repository: string): boolean {
  if (source !== 'github') return false
  if (/^(?:repository|workflow)_dispatch(?:\.|$)/.test(type)) return true
  const isReport = /^(?:workflow_run|workflow_job|check_run|check_suite)(?:\.|$)/.test(type)
  return isReport && facts.repository?.toLowerCase() === repository.toLowerCase()
}

function dispatchOf(delivery: ToPrepare, { workflow, ref, inputs = {}, event_type }: Settings): Dispatch {
  if (workflow !== undefined && ref !== undefined) {
    const values = { ...shownValues(delivery), event_id: delivery.eventId }
    const entries = Object.entries(inputs)
    const maxChars = Math.floor(MAX_INPUT_CHARS / Math.max(entries.length, 1))
    const filled = entries.map(([name, text]) => [name, filledIn(text, values).slice(0, maxChars)])
    return { workflow, ref, inputs: Object.fromEntries(filled) }
  }
  const eventType = (event_type ?? delivery.event.type).slice(0, MAX_EVENT_TYPE_CHARS)
  return { eventType, payload: payloadOf(delivery) }
}

/**
 * The envelope without secrets; of one that is too large what is short in it: ids, addresses and
 * facts.
 */
function payloadOf(delivery: ToPrepare): JsonObject {
  const { eventId: event_id, event, envelope } = delivery
  const values: JsonObject = { ...shownValues(delivery), event_id }
  if (envelope.body.length < MAX_PAYLOAD_BYTES && bytesOf(values) < MAX_PAYLOAD_BYTES)
    return { ...values, complete: true }
  const data = isObject(values.data) ? (values.data as JsonObject) : {}
  return { ...short(values), complete: false, data: { ...short(data), facts: short(event.facts as JsonObject) } }
}

function short(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => isShort(value)))
}

function isShort(value: Json): boolean {
  return typeof value === 'object' ? value === null : String(value).length <= MAX_THIN_CHARS
}

function bytesOf(value: JsonObject): number {
  return Buffer.byteLength(JSON.stringify(value))
}
