// Compares every REST exchange and webhook with GitHub's published description, so that the fake
// cannot drift. Tests only.
import type { ValidateFunction } from 'ajv'
import type { Description, Json } from './openapi-schemas.ts'
import { githubDescription } from './openapi-schemas.ts'
import type { Delivery, Exchange } from './src/index.ts'

/**
 * Watches a fake: pass its listeners to `openFakeGithub` and expect `violations` to be empty at the
 * end.
 */
export type OpenApiGuard = {
  onExchange(exchange: Exchange): void
  onDelivery(delivery: Delivery): void
  /** One sentence per difference from GitHub's description. */
  readonly violations: string[]
  /** How many exchanges and deliveries were compared, so that a guard that never ran is noticed. */
  readonly checked: number
}

/** Makes a guard; the description is loaded at the first exchange. */
export function openApiGuard(): OpenApiGuard {
  const violations: string[] = []
  let checked = 0
  return {
    violations,
    get checked() {
      return checked
    },
    onExchange(exchange) {
      checked++
      const { method, path, status } = exchange
      violations.push(...validateExchange(exchange).map((problem) => `${method} ${path} (${status}): ${problem}`))
    },
    onDelivery(delivery) {
      checked++
      const name = [delivery.event, delivery.action].filter(Boolean).join('.')
      violations.push(...validateDelivery(delivery).map((problem) => `webhook ${name}: ${problem}`))
    },
  }
}

/**
 * The differences between one exchange and the description. What the client sent is judged only
 * when it was accepted: a request that got its 4xx is the fake doing its duty. Routes the fake does
 * not know (404) are not judged.
 */
export function validateExchange(exchange: Pick<Exchange, ExchangeFields>): string[] {
  // The description is of REST alone.
  if (exchange.route === null || exchange.route.endsWith('/graphql')) return []
  const found = (FORMER[`${exchange.method} ${exchange.route}`] ?? [exchange.route]).map((template) =>
    validateAs(exchange, template),
  )
  return found.find((problems) => problems.length === 0) ?? found[0] ?? []
}

// What GitHub still answers and no longer describes, with the operations whose answers it gives.
const REPO = '/repos/{owner}/{repo}'
const FORMER: Record<string, string[]> = {
  [`GET ${REPO}/statuses/{ref}`]: [`${REPO}/commits/{ref}/statuses`],
  [`GET ${REPO}/git/refs`]: [`${REPO}/git/matching-refs/{ref}`],
  [`GET ${REPO}/git/refs/{ref}`]: [`${REPO}/git/ref/{ref}`, `${REPO}/git/matching-refs/{ref}`],
}

function validateAs(exchange: Checked, template: string): string[] {
  const description = githubDescription()
  const operation = description.operation(exchange.method, template)
  if (!operation) return [`GitHub has no ${exchange.method} ${template}`]
  const request = exchange.status < 400 ? requestProblems(description, operation, exchange) : []
  return [...request, ...responseProblems(description, operation, exchange)]
}

type ExchangeFields = 'method' | 'route' | 'query' | 'requestBody' | 'status' | 'responseBody'
type Checked = Pick<Exchange, ExchangeFields>

function requestProblems(description: Description, operation: Json, exchange: Checked): string[] {
  return [...queryProblems(description, operation, exchange.query), ...bodyProblems(description, operation, exchange)]
}

const querySchemas = new WeakMap<Json, Json>()

function queryProblems(description: Description, operation: Json, query: Record<string, string>): string[] {
  let schema = querySchemas.get(operation)
  if (!schema) {
    const all = ((operation.parameters ?? []) as unknown[]).map((each) => description.resolve(each))
    const parameters = all.filter((parameter) => parameter.in === 'query')
    schema = {
      type: 'object',
      properties: {
        ...(isList(description, operation) && PAGING),
        ...Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.schema])),
      },
      required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
      additionalProperties: false,
    }
    querySchemas.set(operation, schema)
  }
  return problems('query', description.validator(schema, true), { ...query })
}

// Lists come in pages, also where the description forgets to say so, as of matching refs.
const PAGING = { page: { type: 'integer' }, per_page: { type: 'integer' } }

function isList(description: Description, operation: Json): boolean {
  const described = (operation.responses as Json)[200]
  const schema = described ? jsonSchema(description.resolve(described)) : null
  return schema !== null && description.resolve(schema).type === 'array'
}

function bodyProblems(description: Description, operation: Json, { requestBody }: Checked): string[] {
  const given = requestBody !== null && !isEmpty(requestBody)
  if (!operation.requestBody) return given ? ['request: GitHub takes no body here'] : []
  const described = description.resolve(operation.requestBody)
  const schema = jsonSchema(described)
  if (!given) return described.required && isRequired(description, schema) ? ['request: a body is required'] : []
  if (!schema) return []
  const unknown = unknownFields(description.resolve(schema), requestBody)
  return [...problems('request', description.validator(schema), requestBody), ...unknown]
}

function isEmpty(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
}

// Some bodies are "required" although every field is optional; GitHub accepts none at all there.
function isRequired(description: Description, schema: unknown): boolean {
  return schema !== null && !description.validator(schema)({})
}

function unknownFields(schema: Json, body: unknown): string[] {
  if (schema.type !== 'object' || !schema.properties || schema.additionalProperties || schema.anyOf) return []
  const extra = Object.keys(body as Json).filter((name) => !(name in (schema.properties as Json)))
  return extra.map((name) => `request: GitHub does not know the field "${name}"`)
}

function responseProblems(description: Description, operation: Json, { status, responseBody }: Checked): string[] {
  const described = (operation.responses as Json)[status]
  // A string is a raw media type; 304 and 5xx are about the transport.
  if (typeof responseBody === 'string' || status === 304) return []
  if (!described && status < 400) return ['response: an undocumented status']
  const schema = described ? jsonSchema(description.resolve(described)) : null
  // Many an error is documented without its body, or not at all.
  if (!schema && status >= 400) return errorProblems(responseBody)
  if (!schema) return responseBody === null ? [] : ['response: GitHub sends no body here']
  return problems('response', description.validator(schema), responseBody)
}

function errorProblems(body: unknown): string[] {
  const { message, documentation_url: url } = (body ?? {}) as Json
  return typeof message === 'string' && typeof url === 'string' ? [] : ['response: not a GitHub error body']
}

function jsonSchema(part: Json): unknown {
  const content = part.content as Record<string, { schema?: unknown }> | undefined
  return (content?.['application/json'] ?? Object.values(content ?? {})[0])?.schema ?? null
}

/** The differences between one webhook's payload and the description. */
export function validateDelivery({ event, action, request }: Pick<Delivery, 'event' | 'action' | 'request'>): string[] {
  const description = githubDescription()
  // Whoever dispatches an event names its action; the description has one for an example.
  const known = event === 'repository_dispatch' ? 'sample.collected' : action
  const name = [event, known].filter(Boolean).join('-').replaceAll('_', '-')
  const schema = description.webhook(name)
  return schema
    ? problems('payload', description.validator(schema), request.payload)
    : [`GitHub has no webhook ${name}`]
}

function problems(what: string, validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }) => {
    return `${what}${instancePath} ${message} ${JSON.stringify(params)}`
  })
}
