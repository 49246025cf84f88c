// Agenta's API for tests, on loopback, as strict as its source says: routes, envelopes, the form of
// the key, and what is answered to an id that is unknown or none.
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { listenOnLoopback } from '../loopback-server.ts'

type Entity = { id: string; slug?: string; name?: string }
type Revision = Entity & {
  version: string
  message?: string
  application_id: string
  application_variant_id: string
  data: { url?: string; parameters?: object }
}

/** A running fake. `faults` are the statuses of the next answers; 0 closes the connection. */
export type FakeAgenta = {
  /** What `AGENTA_API_URL` is set to. */
  url: string
  key: string
  /** Method, path and body of each request that was let in. */
  requests: string[]
  faults: number[]
  applications: Map<string, Entity>
  variants: Map<string, Entity>
  revisions: Map<string, Revision>
  close(): void
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Opens the fake. */
export async function openFakeAgenta(): Promise<FakeAgenta> {
  const key = 'a1b2c3d4.0123456789abcdef0123456789abcdef'
  const known = {
    applications: new Map<string, Entity>(),
    variants: new Map<string, Entity>(),
    revisions: new Map<string, Revision>(),
  }
  const requests: string[] = []
  const faults: number[] = []
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const fault = faults.shift()
    if (fault === 0) return void request.socket.destroy()
    const answer = (status: number, value: object, headers = {}) =>
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
    if (fault !== undefined) return void answer(fault, { detail: 'fault' }, fault === 429 ? { 'retry-after': '1' } : {})
    if (request.headers.authorization !== `ApiKey ${key}`) return void answer(401, { detail: 'Unauthorized' })
    const path = request.url ?? ''
    requests.push(`${request.method} ${path}${body === '' ? '' : ` ${body}`}`)
    answer(...answerTo(request, body, known))
  })
  const { port, close } = await listenOnLoopback(server)
  return { url: `http://127.0.0.1:${port}/api`, key, requests, faults, ...known, close }
}

type Known = Pick<FakeAgenta, 'applications' | 'variants' | 'revisions'>

function answerTo(request: IncomingMessage, body: string, known: Known): [number, object] {
  const path = request.url ?? ''
  if (path === '/api/applications/revisions/retrieve') return retrieve(request, body, known.revisions)
  const [, kind, id = ''] = /^\/api\/applications\/(variants\/)?([^/]+)$/.exec(path) ?? []
  if (id === '') return [404, { detail: 'Not Found' }]
  if (request.method !== 'GET') return [405, { detail: 'Method Not Allowed' }]
  if (!UUID.test(id)) return [422, { detail: [{ type: 'uuid_parsing', loc: ['path'] }] }]
  return kind === undefined
    ? [200, envelope('application', known.applications.get(id))]
    : [200, envelope('application_variant', known.variants.get(id))]
}

function retrieve(request: IncomingMessage, body: string, revisions: ReadonlyMap<string, Revision>): [number, object] {
  if (request.method !== 'POST') return [405, { detail: 'Method Not Allowed' }]
  if (request.headers['content-type'] !== 'application/json') return [422, { detail: 'not JSON' }]
  const id: unknown = JSON.parse(body).application_revision_ref?.id
  if (id === undefined) return [400, { detail: 'Provide application refs or environment refs with key.' }]
  if (typeof id !== 'string' || !UUID.test(id)) return [422, { detail: [{ type: 'uuid_parsing', loc: ['body'] }] }]
  return [200, envelope('application_revision', revisions.get(id))]
}

/** What is null is left out, the entity that was not found too. */
function envelope(field: string, found: object | undefined): object {
  return found === undefined ? { count: 0 } : { count: 1, [field]: found }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
