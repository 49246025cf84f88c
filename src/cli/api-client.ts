// The running Signalbox a command talks to.
import type { SignalboxClient } from '@signalbox/sdk'
import { SignalboxError, signalbox } from '@signalbox/sdk'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { environmentOf } from './settings.ts'
import type { Terminal } from './terminal.ts'

const TIMEOUT_MS = 30_000

/** A row as the API gives it. */
export type Row = Record<string, unknown>

/** One page of rows. */
export type Page = { items: Row[]; next: string | null }

/** The published client, and plain calls for what it does not cover. All throw SignalboxError. */
export type Server = {
  url: string
  client: SignalboxClient
  get<Answer = Row>(path: string, query?: Record<string, string | undefined>): Promise<Answer>
  post<Answer = Row>(path: string, body?: unknown): Promise<Answer>
}

async function answerOf(response: Response): Promise<Row> {
  const text = await response.text()
  const row = rowIn(text)
  if (response.ok && row !== undefined) return row
  const { code, detail } = row ?? {}
  throw new SignalboxError(
    response.status,
    typeof code === 'string' ? code : `http_${response.status}`,
    typeof detail === 'string' ? detail : `The server answered ${response.status} and no JSON.`,
  )
}

function rowIn(text: string): Row | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? (body as Row) : undefined
  } catch {
    return undefined
  }
}

/**
 * The server of `--server`, `SIGNALBOX_URL`, or this machine's at `PORT`, with the token of
 * `SIGNALBOX_API_TOKEN`.
 */
export function serverOf(terminal: Pick<Terminal, 'env'>, options: { server?: string | undefined }): Server {
  const { SIGNALBOX_URL, PORT, SIGNALBOX_API_TOKEN: token } = environmentOf(terminal)
  const url = options.server ?? SIGNALBOX_URL ?? `http://127.0.0.1:${PORT}`
  const base = new URL(url.endsWith('/') ? url : `${url}/`)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const call = async <Answer>(at: URL, init: RequestInit): Promise<Answer> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const response = await fetch(at, { ...init, signal, redirect: 'manual' }).catch((cause: unknown) => {
      throw new SignalboxError(0, 'unreachable', `no answer from ${base.origin}`, { cause })
    })
    return (await answerOf(response)) as Answer
  }
  return {
    url,
    client: signalbox({ url, token }),
    get: (path, query = {}) => {
      const at = new URL(path, base)
      for (const [name, value] of Object.entries(query)) if (value !== undefined) at.searchParams.set(name, value)
      return call(at, { headers: authorization })
    },
    post: (path, body) => {
      const headers = { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
      const init = body === undefined ? {} : { body: JSON.stringify(body) }
      return call(new URL(path, base), { method: 'POST', headers, ...init })
    },
  }
}

/** An option's value that must be an address. */
export function parseUrl(value: string): string {
  if (/^https?:/.test(value) && URL.canParse(value)) return value
  throw new InvalidArgumentError('It must be an address such as http://127.0.0.1:8000.')
}

/** Adds `--server`, which names another server. */
export function withServer(command: Command): Command {
  return command.option(
    '--server <url>',
    'address of the server (default: SIGNALBOX_URL, else this machine at PORT)',
    parseUrl,
  )
}
