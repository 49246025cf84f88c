// What the tests of the fake start from: a repository, people with tokens, a webhook receiver, and
// the OpenAPI guard.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Octokit } from 'octokit'
import { expect } from 'vitest'
import { openApiGuard } from '../openapi.ts'
import type { FakeGithubOptions, RepositoryOptions } from '../src/index.ts'
import { openFakeGithub } from '../src/index.ts'

/** A payload is read freely: the guard has checked its shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above
type Payload = Record<string, any>

type FieldError = {
  resource?: string
  field?: string
  code?: string
  message?: string
}

/** A webhook as it arrived. */
export type Arrival = {
  headers: IncomingHttpHeaders
  body: string
  event: string
  payload: Payload
}

/** A server that records what it is sent and answers with the status that `answer` returns. */
export async function openReceiver(answer: (arrival: Arrival) => number | Promise<number> = () => 200) {
  const arrivals: Arrival[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const form = request.headers['content-type'] === 'application/x-www-form-urlencoded'
    const text = form ? (new URLSearchParams(body).get('payload') ?? '') : body
    const event = String(request.headers['x-github-event'])
    const arrival = { headers: request.headers, body, event, payload: JSON.parse(text) }
    arrivals.push(arrival)
    response.writeHead(await answer(arrival)).end('thanks')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    arrivals,
    /** `event` or `event.action` of each arrival, sorted, because GitHub promises no order. */
    names: () => arrivals.map(({ event, payload }) => [event, payload.action].filter(Boolean).join('.')).toSorted(),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** GitHub's documented check, written from the documentation and not from the fake's own code. */
export function signatureIsValid({ headers, body }: Pick<Arrival, 'headers' | 'body'>, secret: string): boolean {
  const given = Buffer.from(String(headers['x-hub-signature-256']))
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/** `acme/app` with a few files; `bot` may write, `guest` may only read. */
export async function openWorld(options: FakeGithubOptions = {}, more: Partial<RepositoryOptions> = {}) {
  const guard = openApiGuard()
  // Reading GitHub's description blocks this process, and the receiver in it, for a while.
  const patience = { webhookTimeoutMs: 60_000 }
  const listeners = { onExchange: guard.onExchange, onDelivery: guard.onDelivery }
  const github = await openFakeGithub({ ...patience, ...options, ...listeners })
  const repo = await github.addRepository({
    owner: 'acme',
    name: 'app',
    files: { 'README.md': '# App\n', 'src/a.txt': 'one\ntwo\nthree\n', 'src/deep/b.txt': 'b\n' },
    collaborators: { bot: 'write', triager: 'triage' },
    ...more,
  })
  const client = (auth?: string) =>
    new Octokit({
      baseUrl: github.apiUrl,
      ...(auth && { auth }),
      throttle: { enabled: false },
      retry: { enabled: false },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    })
  const as = (login: string) => client(github.addToken({ login }))
  const receiver = await openReceiver()
  return {
    github,
    guard,
    repo,
    receiver,
    client,
    as,
    bot: as('bot'),
    owner: as('acme'),
    app: { owner: 'acme', repo: 'app' },
    /** Registers the receiver for everything. */
    listen: (secret = 'a secret of the webhook') => repo.addWebhook({ url: receiver.url, secret }),
    /** Makes a branch with one changed file. */
    branch: (name: string, files: Record<string, string> = { 'src/a.txt': `one\n${name}\nthree\n` }) =>
      repo.commit({ branch: name, message: `change on ${name}`, files, author: 'bot' }),
    async close() {
      await github.settled()
      await github.close()
      await receiver.close()
      expect(guard.violations).toEqual([])
    },
  }
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** The status and message of a request that must fail. */
export async function failure(
  request: Promise<unknown>,
): Promise<{ status: number; message: string; errors?: FieldError[] }> {
  try {
    await request
  } catch (error) {
    const { status, response } = error as {
      status: number
      response?: { data: { message: string; errors?: FieldError[] } }
    }
    return {
      status,
      message: response?.data.message ?? String(error),
      ...(response?.data.errors && { errors: response.data.errors }),
    }
  }
  throw new Error('The request was expected to fail and did not')
}
