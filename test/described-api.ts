// The API of a test's Signalbox, strictly: an answer that its own description does not allow, or a
// field that it does not name, fails the test that asked.
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { TestSignalbox } from './signalbox.ts'

/** An operation of the description, as far as tests look at it. */
export type Operation = {
  summary?: string
  operationId?: string
  parameters?: { name: string; in: string }[]
  requestBody?: { content: { 'application/json': { schema: object } } }
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

/** An answer, its JSON parsed. */
export type Answer = { status: number; body: Record<string, unknown> }

/** The API, asked by path: `/jobs?limit=1`. */
export type DescribedApi = {
  description: {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, object> }
    security: object[]
  }
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  patch(path: string, body: unknown): Promise<Answer>
  delete(path: string): Promise<Answer>
  /** The kinds of answers that there were so far: `GET /jobs/{id} 200`. */
  seen: ReadonlySet<string>
}

const FORMATS = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
}

/** Reads the description, and checks every answer from here on. */
export async function describedApi(signalbox: TestSignalbox): Promise<DescribedApi> {
  const response = await signalbox.api('/api/openapi.json')
  const description = (await response.json()) as DescribedApi['description']
  const ajv = new Ajv2020({ strict: false, formats: FORMATS, allErrors: true })
  ajv.addSchema(closed(description) as object, 'api')
  const seen = new Set<string>()

  function check(method: string, path: string, { status, body }: Answer): void {
    const pathname = path.split('?')[0] ?? ''
    // A path without parameters is meant before one with them.
    const template =
      pathname in description.paths
        ? pathname
        : Object.keys(description.paths).find((each) => templatePattern(each).test(pathname))
    const operation = template === undefined ? undefined : description.paths[template]?.[method.toLowerCase()]
    if (template === undefined || operation === undefined) throw new Error(`${method} ${path} is not described`)
    const listed = String(status) in operation.responses ? String(status) : 'default'
    if (listed === 'default' && status < 400) throw new Error(`${method} ${path}: ${status} is not described`)
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      listed,
      'content',
      'application/json',
      'schema',
    ]
    const validate = ajv.compile({ $ref: `api#/${pointer.map(escapePointer).join('/')}` })
    if (!validate(body)) {
      throw new Error(
        `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body, null, 1)}`,
      )
    }
    seen.add(`${method} ${template} ${listed}`)
  }

  async function ask(method: string, path: string, init: { body?: unknown; headers?: Record<string, string> } = {}) {
    const response = await signalbox.api(`/api${path}`, { method, ...init })
    const answer = { status: response.status, body: (await response.json()) as Answer['body'] }
    check(method, path, answer)
    return answer
  }

  return {
    description,
    seen,
    get: (path) => ask('GET', path),
    patch: (path, body) => ask('PATCH', path, { body }),
    delete: (path) => ask('DELETE', path),
    post: (path, body, headers = {}) => ask('POST', path, { headers, ...(body === undefined ? {} : { body }) }),
  }
}

/** The same schemas with every object closed, so that a field nobody described is a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpenObject = inner.type === 'object' && 'properties' in inner && !('additionalProperties' in inner)
  return isOpenObject ? { ...inner, additionalProperties: false } : inner
}

function templatePattern(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}

function escapePointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
