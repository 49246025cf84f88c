// One request to a model's API through the AI SDK, which is loaded with the first one.
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici'
import { limitedAnswer } from './answer-limit.ts'
import type { ModelAnswer, ModelRequest } from './request.ts'
import type { ModelEnvironment, Target } from './target.ts'
import { readToolCalls, toSdkMessages, toSdkTools } from './tool-calls.ts'

/** Sends a request, following the proxies of the environment. */
export type Fetch = typeof globalThis.fetch

/**
 * What requests are sent with. Its own limits of time are off, because an answer may take minutes:
 * the time of a call has a limit of its own. The size of an answer is limited here.
 */
export function modelFetch({ HTTP_PROXY, HTTPS_PROXY, NO_PROXY }: ModelEnvironment): Fetch {
  const dispatcher = new EnvHttpProxyAgent({
    headersTimeout: 0,
    bodyTimeout: 0,
    // Set in any case, because undici would read the process's own variables.
    httpProxy: HTTP_PROXY ?? '',
    httpsProxy: HTTPS_PROXY ?? '',
    noProxy: `${NO_PROXY ?? ''},localhost,127.0.0.1,[::1]`,
  })
  const send = async (input: Parameters<typeof undiciFetch>[0], init?: Parameters<typeof undiciFetch>[1]) => {
    // A redirect would take the key along.
    const answer = await undiciFetch(input, { ...init, dispatcher, redirect: 'error' })
    return limitedAnswer(answer as unknown as Response)
  }
  return send as unknown as Fetch
}

/**
 * Sends one request and returns the answer, whole or not.
 * @throws what the AI SDK throws, `APICallError` among it, or the reason of `signal`.
 */
export async function callOnce(
  target: Target,
  request: ModelRequest,
  { signal, fetch }: { signal: AbortSignal; fetch: Fetch },
): Promise<Omit<ModelAnswer, 'usd' | 'tookMs'>> {
  const { system, messages, tools, schema, maxTokens } = request
  const [{ generateText, jsonSchema, Output }, model] = await Promise.all([import('ai'), languageModel(target, fetch)])
  // Its warnings are for the terminal of a developer.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
  const output = schema === undefined ? Output.text() : jsonOutput(Output.object({ schema: jsonSchema(schema) }))
  const { text, toolCalls, finishReason, usage } = await generateText({
    model,
    messages: toSdkMessages(messages),
    maxRetries: 0,
    abortSignal: signal,
    output,
    // Strict schemas refuse fields that may be absent; and nothing is kept at the provider.
    providerOptions: {
      openai: { store: false, strictJsonSchema: false },
      compatible: { strictJsonSchema: false },
    },
    ...(tools === undefined ? {} : { tools: toSdkTools(tools, jsonSchema) }),
    ...(system === undefined ? {} : { instructions: system }),
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
  })
  const { inputTokens = 0, outputTokens = 0 } = usage
  const called = toolCalls.length === 0 ? {} : { toolCalls: readToolCalls(toolCalls) }
  return { text, ...called, finish: finishOf(finishReason), model: target.label, inputTokens, outputTokens }
}

/** Asks for JSON, and leaves checking it to whoever has the schema. */
function jsonOutput<Format extends object>(format: Format) {
  return { ...format, parseCompleteOutput: async ({ text }: { text: string }) => text }
}

const FINISHES: readonly ModelAnswer['finish'][] = ['stop', 'tool-calls', 'length', 'content-filter']

function finishOf(reason: string): ModelAnswer['finish'] {
  return FINISHES.find((finish) => finish === reason) ?? 'other'
}

async function languageModel({ provider, name, url, key = '' }: Target, fetch: Fetch) {
  const baseURL = url === undefined ? {} : { baseURL: url }
  switch (provider) {
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic')
      return createAnthropic({ ...baseURL, apiKey: key, fetch })(name)
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai')
      return createOpenAI({ ...baseURL, apiKey: key, fetch }).responses(name)
    }
    case 'compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
      const options = { name: 'compatible', baseURL: url ?? '', supportsStructuredOutputs: true, fetch }
      return createOpenAICompatible({ ...options, ...(key && { apiKey: key }) }).chatModel(name)
    }
  }
}
