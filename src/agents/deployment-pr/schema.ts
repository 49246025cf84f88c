// Checks configurations by JSON Schema. Which draft it is written for says its `$schema`.
import { runInNewContext } from 'node:vm'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { errorText, GiveUp } from '../../lib/error.ts'

/** One thing that is wrong with a configuration: where, as a JSON path, and a sentence. */
export type ConfigProblem = { at: string; text: string }

// Somebody may deploy a list that is wrong in each of its members.
const MAX_PROBLEMS = 1000
const MAX_MS = 5000

// What else a schema may say is for people (`format`, `title`) or for other programs.
const OPTIONS = { allErrors: true, strict: false, validateFormats: false, logger: false } as const

/** What a schema may be: the others say nothing of what they are to be compared with. */
type Schema = object | boolean

/** Why a schema cannot be used; null when it can. */
export function schemaProblem(schema: Schema): string | null {
  try {
    compile(schema)
    return null
  } catch (error) {
    return `is no JSON Schema that can be used: ${errorText(error)}`
  }
}

/**
 * What is wrong with a configuration, in the schema's order.
 * @throws Error when the schema cannot be used, and GiveUp when that takes too long.
 */
export function problemsBySchema(schema: Schema, config: unknown): ConfigProblem[] {
  const validate = compile(schema)
  if (withinTime(() => validate(config))) return []
  return (validate.errors ?? []).slice(0, MAX_PROBLEMS).map(({ instancePath, message, params }) => ({
    at: jsonPath(instancePath),
    text: [message ?? 'is not valid', ...namedIn(params)].join(' '),
  }))
}

function compile(schema: Schema) {
  if (typeof schema === 'boolean') return new Ajv2020(OPTIONS).compile(schema)
  const { $schema = '', $async, ...rest } = schema as { $schema?: unknown; $async?: unknown }
  // It would answer later, which looks like "valid" now.
  if ($async !== undefined) throw new Error('$async is not supported')
  if (/draft-0[34]/.test(String($schema))) throw new Error('write it for draft 7, or for 2020-12')
  const Compiler = /draft-0[67]/.test(String($schema)) ? Ajv : Ajv2020
  return new Compiler(OPTIONS).compile(rest)
}

/** A `pattern` may take for ever on a text that was made for it, and nothing else would run. */
function withinTime<T>(work: () => T): T {
  try {
    return runInNewContext('work()', { work }, { timeout: MAX_MS })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    throw new GiveUp(
      `The configuration could not be checked by its schema in ${MAX_MS / 1000} s: simplify its patterns.`,
    )
  }
}

/** What the message leaves out: which property is too many, what would be allowed. */
function namedIn(params: Record<string, unknown>): string[] {
  const { additionalProperty, unevaluatedProperty, allowedValues } = params
  const name = additionalProperty ?? unevaluatedProperty
  if (name !== undefined) return [`(${JSON.stringify(name)})`]
  return allowedValues === undefined ? [] : [`(${JSON.stringify(allowedValues)})`]
}

/** `/model/messages/0` as `$.model.messages[0]`. */
function jsonPath(pointer: string): string {
  const steps = pointer.split('/').slice(1)
  return `$${steps.map((step) => stepOf(step.replaceAll('~1', '/').replaceAll('~0', '~'))).join('')}`
}

function stepOf(step: string): string {
  if (/^\d+$/.test(step)) return `[${step}]`
  return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}
