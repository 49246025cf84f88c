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
  /** Calls of tools; `raw` in place of `arguments` is sent as it is, where the API has a text. */
  | { toolCalls: readonly ScriptedCall[]; text?: string; inputTokens?: number; outputTokens?: number }
  | { status: number; headers?: Record<string, string>; message?: string; code?: string }
  /** Sends these bytes in place of an answer. */
  | { raw: string }
  /** Sends the first byte of an answer, and no other; or drops the connection. */
  | 'stall'
  | 'drop'

/** A call of a tool. */
export type ScriptedCall = { name: string; id?: string; arguments?: Record<string, unknown>; raw?: string }

/** A request as it came. */
export type AskedModel = {
  path: string
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** The name of the model, the instructions, and the texts of the messages. */
  model: string
  system: string
  messages: string[]
  /** The names of the tools, and the texts of their results so far. */
  tools: string[]
  results: string[]
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
  const tools = (body.tools ?? []) as { name?: string; function?: { name: string } }[]
  return {
    path: request.url ?? '',
    headers: request.headers,
    body,
    model: String(body.model ?? ''),
    system,
    messages,
    tools: tools.map((tool) => tool.name ?? tool.function?.name ?? ''),
    results: toolUses(turns).flatMap(({ result }) => (result === undefined ? [] : [result])),
  }
}

function textOf({ content }: { content: unknown }): string {
  return textsOf(content)
}

/** The calls and the results of all messages, in order, in the form of whichever API. */
function toolUses(turns: readonly Record<string, unknown>[]): { id: unknown; result?: string }[] {
  return turns.flatMap((turn) => {
    const parts = Array.isArray(turn.content) ? turn.content : []
    const uses = parts.flatMap(({ type, id, tool_use_id, content }) => {
      if (type === 'tool_use') return [{ id }]
      return type === 'tool_result' ? [{ id: tool_use_id, result: textsOf(content) }] : []
    })
    if (turn.role === 'tool') return [{ id: turn.tool_call_id, result: textsOf(turn.content) }]
    if (turn.type === 'function_call') return [{ id: turn.call_id }]
    if (turn.type === 'function_call_output') return [{ id: turn.call_id, result: textsOf(turn.output) }]
    const calls = (turn.tool_calls ?? []) as { id: string }[]
    return [...calls.map(({ id }) => ({ id })), ...uses]
  })
}

/** The text of a content that is a text, or a list of parts. */
function textsOf(content: unknown): string {
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map((part) => String(part?.text ?? '')).join('') : ''
}

type Failure = Extract<ScriptedAnswer, { status: number }>

function refusalOf({ path, headers, model, messages, body }: AskedModel, key: string | undefined): Failure | null {
  if (!Object.hasOwn(APIS, path)) return { status: 404, message: `there is nothing at ${path}` }
  const given = path === '/v1/messages' ? headers['x-api-key'] : headers.authorization?.replace(/^Bearer /, '')
  if (key !== undefined && given !== key) return { status: 401, message: 'invalid x-api-key' }
  if (path === '/v1/messages' && headers['anthropic-version'] === undefined) {
    return { status: 400, message: 'anthropic-version: header is required' }
  }
  if (model === '' || messages.length === 0) return { status: 400, message: 'model and messages are required' }
  return toolRefusal(body)
}

/** As the providers refuse calls without results, and results without calls. */
function toolRefusal(body: Record<string, unknown>): Failure | null {
  const uses = toolUses((body.messages ?? body.input ?? []) as Record<string, unknown>[])
  const open = new Set<unknown>()
  for (const { id, result } of uses) {
    if (result === undefined) open.add(id)
    else if (!open.delete(id)) return { status: 400, message: `the result ${id} answers no tool call` }
  }
  if (open.size > 0) return { status: 400, message: `tool calls have no result: ${[...open].join(', ')}` }
  return uses.length > 0 && body.tools === undefined ? { status: 400, message: 'tools are required' } : null
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
    text = '',
    finish = 'stop',
    inputTokens = 12,
    outputTokens = 5,
    pieces = 1,
    toolCalls = [],
  }: Partial<Answer & { pieces: number }> = typeof answer === 'string' ? { text: answer } : answer
  const body = JSON.stringify(APIS[asked.path]?.(asked, { text, finish, inputTokens, outputTokens, toolCalls }))
  const size = Math.ceil(body.length / pieces)
  for (let at = 0; at < body.length; at += size) {
    await new Promise((sent) => response.write(body.slice(at, at + size), sent))
  }
  response.end()
}

type Answer = {
  text: string
  finish: 'stop' | 'length' | 'content-filter'
  inputTokens: number
  outputTokens: number
  toolCalls: readonly ScriptedCall[]
}

// Unlike all before, as those of the providers are.
let lastCall = 0

function callsOf(calls: readonly ScriptedCall[]) {
  return calls.map(({ name, id = `call_${++lastCall}`, arguments: given = {}, raw = JSON.stringify(given) }) => ({
    name,
    id,
    given,
    raw,
  }))
}

const APIS: Record<string, (asked: AskedModel, answer: Answer) => object> = {
  '/v1/messages': ({ model, body }, { text, finish, inputTokens, outputTokens, toolCalls }) => {
    // A schema of the answer comes as a tool.
    const tool = (body.tools as { name: string }[] | undefined)?.[0]
    const isJson = tool !== undefined && text.trim().startsWith('{')
    const calls = callsOf(isJson ? [{ name: tool.name, arguments: JSON.parse(text) }] : toolCalls)
    const isCall = calls.length > 0
    const reason = { stop: isCall ? 'tool_use' : 'end_turn', length: 'max_tokens', 'content-filter': 'refusal' }
    const content = [
      ...(isJson || (isCall && text === '') ? [] : [{ type: 'text', text }]),
      ...calls.map(({ name, id, given }) => ({ type: 'tool_use', id, name, input: given })),
    ]
    return {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      model,
      content,
      stop_reason: reason[finish],
      stop_sequence: null,
      usage: { input_tokens: inputTokens, output_tokens: outputTokens },
    }
  },
  '/v1/chat/completions': ({ model }, { text, finish, inputTokens, outputTokens, toolCalls }) => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && toolCalls.length > 0 ? null : text,
          ...(toolCalls.length === 0
            ? {}
            : {
                tool_calls: callsOf(toolCalls).map(({ name, id, raw }) => ({
                  id,
                  type: 'function',
                  function: { name, arguments: raw },
                })),
              }),
        },
        finish_reason: finish === 'content-filter' ? 'content_filter' : toolCalls.length > 0 ? 'tool_calls' : finish,
      },
    ],
    usage: { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  }),
  '/v1/responses': ({ model }, { text, finish, inputTokens, outputTokens, toolCalls }) => ({
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model,
    status: finish === 'stop' ? 'completed' : 'incomplete',
    incomplete_details:
      finish === 'stop' ? null : { reason: finish === 'length' ? 'max_output_tokens' : 'content_filter' },
    output: [
      { type: 'message', role: 'assistant', id: 'msg_1', content: [{ type: 'output_text', text, annotations: [] }] },
      ...callsOf(toolCalls).map(({ name, id, raw }) => ({
        type: 'function_call',
        id: `fc_${id}`,
        call_id: id,
        name,
        arguments: raw,
        status: 'completed',
      })),
    ],
    usage: { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
  }),
}
