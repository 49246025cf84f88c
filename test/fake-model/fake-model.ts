// A scripted model on loopback that speaks the APIs of Anthropic (messages) and OpenAI (chat
// completions, responses), strict about keys and requests.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { listenOnLoopback } from '../loopback-server.ts'

/** One answer: a text that ends by itself, or one with more of what the API says. */
export type ScriptedAnswer =
  | string
  | {
      text: string
      finish?: 'stop' | 'length' | 'content-filter'
      inputTokens?: number
      outputTokens?: number
      /** Sends the body in this many pieces, each after the one before was sent. */
      pieces?: number
    }
  | { status: number; headers?: Record<string, string>; message?: string; code?: string }
  /** Sends these bytes in place of an answer. */
  | { raw: string }
  /** Sends the first byte of an answer, and no other; or drops the connection. */
  | 'stall'
  | 'drop'

/** A request as it came. */
export type AskedModel = {
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** The name of the model, the instructions, and the texts of the messages. */
  model: string
  system: string
  messages: string[]
}

/** An answer, or what makes one of what was asked. */
export type Scripted = ScriptedAnswer | ((asked: AskedModel) => ScriptedAnswer)

/** A running server. */
export type FakeModel = {
  /** The base address of each API: `${url}/v1`. */
  url: string
  /** What was asked, in order. */
  requests: AskedModel[]
  /** What it answers, in order; the last answer is given again and again. */
  answers(...answers: Scripted[]): void
  /** Resolves with the next request, when it has come. */
  asked(): Promise<AskedModel>
  close(): void
}

/** The key that the server takes; without one it takes any. */
export type FakeModelOptions = { key?: string }

/** Starts a server. */
export async function openFakeModel({ key }: FakeModelOptions = {}): Promise<FakeModel> {
  const requests: AskedModel[] = []
  let script: Scripted[] = []
  let waiting: PromiseWithResolvers<AskedModel> | undefined
  const server = createServer(async (request, response) => {
    const asked = await readRequest(request)
    requests.push(asked)
    waiting?.resolve(asked)
    waiting = undefined
    const refusal = refusalOf(asked, key)
    if (refusal !== null) return fail(response, asked, refusal)
    const next = (script.length > 1 ? script.shift() : script[0]) ?? 'Hello.'
    await give(response, asked, typeof next === 'function' ? next(asked) : next)
  })
  const { port, close } = await listenOnLoopback(server)
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answers(...given) {
      script = [...given]
    },
    asked() {
      waiting ??= Promise.withResolvers()
      return waiting.promise
    },
    close,
  }
}

async function readRequest(request: IncomingMessage): Promise<AskedModel> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const body: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
  const turns = (body.messages ?? body.input ?? []) as { role: string; content: unknown }[]
  const isSystem = ({ role }: { role: string }) => role === 'system' || role === 'developer'
  const system = [textsOf(body.system), textsOf(body.instructions), ...turns.filter(isSystem).map(textOf)].join('')
  const messages = turns.filter((turn) => !isSystem(turn)).map(textOf)
  return {
    path: request.url ?? '',
    headers: request.headers,
    body,
    model: String(body.model ?? ''),
    system,
    messages,
  }
}

function textOf({ content }: { content: unknown }): string {
  return textsOf(content)
}

/** The text of a content that is a text, or a list of parts. */
function textsOf(content: unknown): string {
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map((part) => String(part?.text ?? '')).join('') : ''
}

type Failure = Extract<ScriptedAnswer, { status: number }>

function refusalOf({ path, headers, model, messages }: AskedModel, key: string | undefined): Failure | null {
  if (!Object.hasOwn(APIS, path)) return { status: 404, message: `there is nothing at ${path}` }
  const given = path === '/v1/messages' ? headers['x-api-key'] : headers.authorization?.replace(/^Bearer /, '')
  if (key !== undefined && given !== key) return { status: 401, message: 'invalid x-api-key' }
  if (path === '/v1/messages' && headers['anthropic-version'] === undefined) {
    return { status: 400, message: 'anthropic-version: header is required' }
  }
  if (model === '' || messages.length === 0) return { status: 400, message: 'model and messages are required' }
  return null
}

function fail(response: ServerResponse, { path }: AskedModel, failure: Failure): void {
  const { status, headers = {}, message = 'refused', code = null } = failure
  const error =
    path === '/v1/messages'
      ? { type: 'error', error: { type: code ?? 'invalid_request_error', message } }
      : { error: { message, type: 'invalid_request_error', param: null, code } }
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(error))
}

async function give(response: ServerResponse, asked: AskedModel, answer: ScriptedAnswer): Promise<void> {
  if (answer === 'drop') return void response.socket?.destroy()
  if (typeof answer === 'object' && 'status' in answer) return fail(response, asked, answer)
  response.writeHead(200, { 'content-type': 'application/json' })
  if (answer === 'stall') return void response.write('{')
  if (typeof answer === 'object' && 'raw' in answer) return void response.end(answer.raw)
  const {
    text,
    finish = 'stop',
    inputTokens = 12,
    outputTokens = 5,
    pieces = 1,
  } = typeof answer === 'string' ? { text: answer } : answer
  const body = JSON.stringify(APIS[asked.path]?.(asked, { text, finish, inputTokens, outputTokens }))
  const size = Math.ceil(body.length / pieces)
  for (let at = 0; at < body.length; at += size) {
    await new Promise((sent) => response.write(body.slice(at, at + size), sent))
  }
  response.end()
}

type Answer = { text: string; finish: 'stop' | 'length' | 'content-filter'; inputTokens: number; outputTokens: number }

const APIS: Record<string, (asked: AskedModel, answer: Answer) => object> = {
  '/v1/messages': ({ model, body }, { text, finish, inputTokens, outputTokens }) => {
    const tool = (body.tools as { name: string }[] | undefined)?.[0]
    const isJson = tool !== undefined && text.trim().startsWith('{')
    const reason = { stop: isJson ? 'tool_use' : 'end_turn', length: 'max_tokens', 'content-filter': 'refusal' }
    const content = isJson
      ? { type: 'tool_use', id: 'toolu_1', name: tool.name, input: JSON.parse(text) }
      : { type: 'text', text }
    return {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      model,
      content: [content],
      stop_reason: reason[finish],
      stop_sequence: null,
      usage: { input_tokens: inputTokens, output_tokens: outputTokens },
    }
  },
  '/v1/chat/completions': ({ model }, { text, finish, inputTokens, outputTokens }) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text },
        finish_reason: finish === 'content-filter' ? 'content_filter' : finish,
      },
    ],
    usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  }),
  '/v1/responses': ({ model }, { text, finish, inputTokens, outputTokens }) => ({
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model,
    status: finish === 'stop' ? 'completed' : 'incomplete',
    incomplete_details:
      finish === 'stop' ? null : { reason: finish === 'length' ? 'max_output_tokens' : 'content_filter' },
    output: [
      { type: 'message', role: 'assistant', id: 'msg_1', content: [{ type: 'output_text', text, annotations: [] }] },
    ],
    usage: { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  }),
}
