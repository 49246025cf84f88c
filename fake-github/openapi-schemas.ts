// GitHub's published OpenAPI description, made digestible for ajv.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { ValidateFunction } from 'ajv'
import { Ajv } from 'ajv'

/** Any JSON object of the description. */
export type Json = Record<string, unknown>

/** The description with ready validators. */
export type Description = {
  /** Follows a `$ref`, if the value is one. */
  resolve(value: unknown): Json
  operation(method: string, template: string): Json | null
  /** The schema of a webhook such as `push` or `pull-request-opened`, or null. */
  webhook(name: string): unknown
  /** A compiled validator; `coerce` reads numbers and booleans out of text, for query strings. */
  validator(schema: unknown, coerce?: boolean): ValidateFunction
}

const FORMATS = {
  uri: URL.canParse,
  'date-time': isTime,
  date: isTime,
  'timestamp-like': isTime,
  email: (text: string) => text.includes('@'),
}
const IGNORED_FORMATS = [
  'int64',
  'repo.nwo',
  'ssh-key fingerprint',
  'uri-template',
  'hostname',
  'alert-number',
  'date-or-datetime',
]

let loaded: Description | undefined

function isTime(text: string): boolean {
  return !Number.isNaN(Date.parse(text))
}

/** The description of api.github.com, read once per process (13 MB). */
export function githubDescription(): Description {
  loaded ??= load()
  return loaded
}

function load(): Description {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/package.json')
  const text = readFileSync(new URL('generated/api.github.com.json', `file://${file}`), 'utf8')
  const description = translate(JSON.parse(text)) as Json
  const make = (coerceTypes: boolean) => {
    const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes, logger: false, formats: FORMATS })
    for (const format of IGNORED_FORMATS) ajv.addFormat(format, true)
    return ajv.addSchema(description, 'github')
  }
  const ajvs = { strict: make(false), coercing: make(true) }
  const compiled = {
    strict: new WeakMap<object, ValidateFunction>(),
    coercing: new WeakMap<object, ValidateFunction>(),
  }
  const at = (root: unknown, ...keys: string[]) =>
    keys.reduce<unknown>((value, key) => (value as Json | undefined)?.[key], root)
  return {
    resolve: (value) => {
      const { $ref } = value as { $ref?: string }
      return ($ref ? at(description, ...$ref.replace('github#/', '').split('/')) : value) as Json
    },
    operation: (method, template) => (at(description, 'paths', template, method.toLowerCase()) as Json) ?? null,
    webhook: (name) =>
      at(description, 'x-webhooks', name, 'post', 'requestBody', 'content', 'application/json', 'schema') ?? null,
    validator: (schema, coerce = false) => {
      const kind = coerce ? 'coercing' : 'strict'
      const known = compiled[kind].get(schema as object)
      const validate = known ?? ajvs[kind].compile(schema as object)
      compiled[kind].set(schema as object, validate)
      return validate
    },
  }
}

/**
 * OpenAPI 3.0 to JSON Schema: `nullable` becomes an alternative, references become absolute, and
 * `oneOf` becomes `anyOf`, because GitHub's alternatives overlap (an issue's labels are strings or
 * objects without required fields).
 */
function translate(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translate)
  if (typeof value !== 'object' || value === null) return value
  const { nullable, oneOf, ...rest } = value as Json
  const out: Json = {}
  for (const [key, inner] of Object.entries(rest)) {
    if (key === 'example' || key === 'examples' || key === 'discriminator' || key === 'x-github') continue
    out[key] = key === '$ref' && typeof inner === 'string' ? `github${inner}` : translate(inner)
  }
  // An address that is empty if not given.
  if (out.default === '') delete out.format
  if (isImpossible(out.allOf)) {
    out.anyOf = out.allOf
    delete out.allOf
  }
  if (Array.isArray(oneOf)) out.anyOf = translate(oneOf)
  else if (oneOf !== undefined) out.oneOf = translate(oneOf)
  return nullable === true ? { anyOf: [{ type: 'null' }, out] } : out
}

// A mistake of the description: `GET /app/installations` wants an account to be a user and an
// enterprise at once.
function isImpossible(allOf: unknown): boolean {
  const titles = Array.isArray(allOf) ? allOf.map((schema: Json) => schema.title) : []
  return titles.includes('Simple User') && titles.includes('Enterprise')
}
