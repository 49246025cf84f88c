// Calls of models over HTTP: the three APIs, what they refuse, and what follows from that.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { FakeModel } from '../../test/fake-model/fake-model.ts'
import { openFakeModel } from '../../test/fake-model/fake-model.ts'
import { fakeClock } from '../lib/clock.ts'
import { GiveUp, RetryAt } from '../lib/error.ts'
import { requireWhole } from './failure.ts'
import type { ModelRef } from './model-ref.ts'
import type { ModelsOptions } from './models.ts'
import { openModels } from './models.ts'
import type { ModelRequest } from './request.ts'

const clock = fakeClock()

let server: FakeModel
beforeEach(async () => {
  server = await openFakeModel({ key: 'the-key' })
})
afterEach(() => server.close())

function models(more: Partial<ModelsOptions> = {}) {
  const pauses: number[] = []
  const url = `${server.url}/v1`
  const opened = openModels({
    environment: {
      ANTHROPIC_API_KEY: 'the-key',
      ANTHROPIC_BASE_URL: url,
      OPENAI_API_KEY: 'the-key',
      OPENAI_BASE_URL: url,
      SIGNALBOX_MODEL_URL: url,
      SIGNALBOX_MODEL_KEY: 'the-key',
    },
    clock,
    pause: async (ms) => void pauses.push(ms),
    random: () => 0,
    ...more,
  })
  return { ...opened, pauses }
}

const REQUEST: ModelRequest = { system: 'Be short.', messages: [{ role: 'user', content: 'Hi' }] }
const never = new AbortController().signal

function call(model: ModelRef | undefined, more: Partial<ModelRequest> = {}, options: Partial<ModelsOptions> = {}) {
  return models(options).call(model, { ...REQUEST, ...more }, never)
}

function failure(model: ModelRef | undefined, options: Partial<ModelsOptions> = {}): Promise<Error> {
  return call(model, {}, options).then(
    () => expect.fail('the call did not fail'),
    (error) => error,
  )
}

const PROVIDERS = ['anthropic/claude-x', 'openai/gpt-x', 'compatible/qwen-x'] as const

describe.each(PROVIDERS)('%s', (model) => {
  test('answers with its tokens, and gets instructions, messages and key', async () => {
    server.answers({ text: 'Hello!', inputTokens: 1_000_000, outputTokens: 500_000 })
    const answer = await call(model, { maxTokens: 77 }, { prices: { [model]: { input: 3, output: 16 } } })
    expect(answer).toEqual({
      text: 'Hello!',
      finish: 'stop',
      model,
      inputTokens: 1_000_000,
      outputTokens: 500_000,
      usd: 11,
      tookMs: expect.any(Number),
    })
    const [asked] = server.requests
    expect(asked).toMatchObject({ model: model.split('/')[1], system: 'Be short.', messages: ['Hi'] })
    expect(Object.values(asked?.body ?? {})).toContain(77)
  })

  test('gets the schema of what it is to answer', async () => {
    server.answers('{"a": 1}')
    const schema = { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false }
    const answer = await call(model, { schema })
    expect(JSON.parse(answer.text)).toEqual({ a: 1 })
    expect(JSON.stringify(server.requests[0]?.body)).toContain('"a":{"type":"number"}')
  })

  const read = {
    name: 'read',
    description: 'Reads a file.',
    schema: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
  }

  test('calls tools, and goes on with their results', async () => {
    const calls = [
      { id: 'one', name: 'read', arguments: { path: 'a' } },
      { id: 'two', name: 'read', arguments: { path: 7 } },
      { id: 'three', name: 'gone', arguments: {} },
    ]
    server.answers({ toolCalls: calls, text: 'I look.' }, 'It is empty.')
    const answer = await call(model, { tools: [read] })
    // As they came: whoever has the tools checks them.
    expect(answer).toMatchObject({ text: 'I look.', finish: 'tool-calls', toolCalls: calls })
    expect(JSON.stringify(server.requests[0]?.body)).toContain('"path":{"type":"string"}')

    const results = calls.map(({ id, name }, at) => ({ role: 'tool' as const, id, name, content: `result ${at}` }))
    const messages: ModelRequest['messages'] = [
      ...REQUEST.messages,
      { role: 'assistant', content: answer.text, toolCalls: answer.toolCalls ?? [] },
      ...results,
    ]
    const after = await call(model, { tools: [read], messages })
    expect(after).toMatchObject({ text: 'It is empty.', finish: 'stop' })
    expect(after).not.toHaveProperty('toolCalls')
    expect(server.requests[1]).toMatchObject({ tools: ['read'], results: ['result 0', 'result 1', 'result 2'] })
  })

  test('may call without a word, and its call with a text in place of arguments can be sent back', async () => {
    server.answers({ toolCalls: [{ id: 'one', name: 'read', raw: '{"path": ' }] }, 'Sorry.')
    const { text, toolCalls = [] } = await call(model, { tools: [read] })
    // Anthropic's API has no texts there.
    expect([text, toolCalls[0]?.arguments]).toEqual(['', model.startsWith('anthropic') ? {} : '{"path": '])
    const messages: ModelRequest['messages'] = [
      ...REQUEST.messages,
      { role: 'assistant', content: `${text}\n`, toolCalls },
      { role: 'tool', id: 'one', name: 'read', content: 'That is not JSON.' },
    ]
    expect((await call(model, { tools: [read], messages })).text).toBe('Sorry.')
    // Anthropic refuses a text of nothing but spaces.
    expect(server.requests[1]?.messages).not.toContain('\n')
  })

  test('that was cut off, or ended by a filter, is no answer', async () => {
    server.answers({ text: 'Half an', finish: 'length', outputTokens: 9 }, { text: '', finish: 'content-filter' })
    const cutOff = await call(model)
    expect(() => requireWhole(cutOff)).toThrow(GiveUp)
    expect(() => requireWhole(cutOff)).toThrow(/was cut off after 9 tokens: allow more by maxTokens/)
    const filtered = await call(model)
    expect(() => requireWhole(filtered)).toThrow(`A content filter of ${model} ended the answer`)
  })

  test('that is overloaded is asked again after a growing pause, and then later', async () => {
    const busy = { status: 529, code: 'overloaded_error', message: 'Overloaded' }
    server.answers(busy, { status: 500 }, 'drop', 'At last.')
    const opened = models()
    expect((await opened.call(model, REQUEST, never)).text).toBe('At last.')
    expect(opened.pauses).toEqual([1000, 2000, 4000])

    server.answers(busy)
    const error = await failure(model)
    expect(error).toBeInstanceOf(RetryAt)
    expect(error).toMatchObject({ when: new Date(clock.now().getTime() + 60_000) })
    expect(error.message).toBe(`${model} answered 529: Overloaded`)
  })

  test('says when its rate limit ends', async () => {
    server.answers({ status: 429, headers: { 'retry-after': '7' }, message: 'slow down' })
    const error = await failure(model)
    expect(error).toBeInstanceOf(RetryAt)
    expect(error).toMatchObject({ when: new Date(clock.now().getTime() + 7000) })
    expect(error.message).toBe(`The rate limit of ${model} is reached: slow down`)
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    [{ status: 429, code: 'insufficient_quota', message: 'You exceeded your current quota' }, /no credit left/],
    [{ status: 400, message: 'prompt is too long: 210000 tokens > 200000 maximum' }, /The prompt is too long for/],
    [{ status: 400, code: 'context_length_exceeded', message: 'too much' }, /The prompt is too long for/],
    [{ status: 413, message: 'request_too_large' }, /The prompt is too long for/],
    [{ status: 400, code: 'content_filter', message: 'not allowed' }, /A content filter of \S+ ended/],
    [{ status: 404, message: 'no such model' }, /refuses the request \(404\): no such model/],
  ])('gives up at %j', async (answer, message) => {
    server.answers(answer)
    const error = await failure(model)
    expect(error).toBeInstanceOf(GiveUp)
    expect(error.message).toMatch(message)
    expect(server.requests).toHaveLength(1)
  })

  test('whose answer cannot be read is a failed attempt', async () => {
    server.answers({ raw: '{"choices": 7' })
    const error = await failure(model)
    expect([error.constructor, error.message]).toEqual([
      Error,
      expect.stringMatching(/^The answer of .* cannot be read/),
    ])
  })

  test.each([
    ['answer', { text: 'x'.repeat(10_000_000) }],
    ['error', { status: 500, message: 'x'.repeat(10_000_000) }],
  ])('whose %s is larger than 10 MB is not asked again', async (_, answer) => {
    server.answers(answer)
    const error = await failure(model)
    expect([error.constructor, error.message]).toEqual([GiveUp, `${model}: the model's answer is larger than 10 MB`])
    expect(server.requests).toHaveLength(1)
  })

  test('that stalls is not waited for longer than the request says', async () => {
    server.answers('stall')
    await expect(call(model, { timeoutMs: 50 })).rejects.toThrow(`${model} did not answer within 0.05 s.`)
  })

  test('is left when the job is stopped', async () => {
    server.answers('stall')
    const stop = new AbortController()
    const asked = server.asked()
    const calling = models().call(model, REQUEST, stop.signal)
    await asked
    stop.abort(new Error('stopped'))
    await expect(calling).rejects.toThrow('stopped')
  })
})

test.each([
  ['anthropic/claude-x', 'ANTHROPIC_API_KEY'],
  ['openai/gpt-x', 'OPENAI_API_KEY'],
  ['compatible/qwen-x', 'SIGNALBOX_MODEL_KEY'],
  [{ url: 'own', name: 'own-x', key: 'OWN_KEY' }, 'OWN_KEY'],
])('a wrong key of %j is named by its variable', async (given, variable) => {
  const model = typeof given === 'string' ? given : { ...given, url: `${server.url}/v1` }
  const key = 'another-key'
  const url = `${server.url}/v1`
  const environment = {
    ANTHROPIC_API_KEY: key,
    ANTHROPIC_BASE_URL: url,
    OPENAI_API_KEY: key,
    OPENAI_BASE_URL: url,
    SIGNALBOX_MODEL_URL: url,
    SIGNALBOX_MODEL_KEY: key,
  }
  const error = await failure(model, { environment, variables: { OWN_KEY: key } })
  expect(error).toBeInstanceOf(GiveUp)
  expect(error.message).toContain(`refuses the key in ${variable} (401): invalid x-api-key. Set ${variable} to`)
})

test('a server of its own is asked with the key of the variable it names', async () => {
  const model = { url: `${server.url}/v1`, name: 'own-x', key: 'OWN_KEY' }
  const answer = await call(model, {}, { variables: { OWN_KEY: 'the-key' }, environment: {} })
  expect([answer.model, answer.usd]).toEqual(['own-x', null])
})

test.each([
  [undefined, {}, /^No model is set: set SIGNALBOX_MODEL, for example to .*\.$/],
  [
    'anthropic/x',
    {},
    /^The model anthropic\/x needs a key: set ANTHROPIC_API_KEY in the environment of the service\.$/,
  ],
  ['compatible/x', {}, /^The model compatible\/x needs the address of its server: set SIGNALBOX_MODEL_URL/],
  [{ url: 'http://x/v1', name: 'x', key: 'OWN_KEY' }, {}, /set OWN_KEY in the environment of the service\.$/],
])('what is not set for %j is said in one sentence', async (model, environment, sentence) => {
  const opened = openModels({ environment, variables: {} })
  expect(opened.problem(model)).toMatch(sentence)
  await expect(opened.call(model, REQUEST, never)).rejects.toThrow(GiveUp)
})

test('the default model is the one of the environment', async () => {
  const url = `${server.url}/v1`
  const environment = { SIGNALBOX_MODEL: 'hf.co/some/name', SIGNALBOX_MODEL_URL: url, SIGNALBOX_MODEL_KEY: 'the-key' }
  expect(await call(undefined, {}, { environment })).toMatchObject({ model: 'compatible/hf.co/some/name' })
  expect(() => openModels({ environment: { SIGNALBOX_MODEL: 'qwen' } })).toThrow(/SIGNALBOX_MODEL: must be/)
})

test('a request that is not valid is refused before anything is sent', async () => {
  await expect(call('anthropic/x', { messages: [] })).rejects.toThrow(/The request to the model is not valid: messages/)
  expect(server.requests).toEqual([])
})

const CALLED = { role: 'assistant' as const, content: '', toolCalls: [{ id: 'one', name: 'read', arguments: {} }] }
const RESULT = { role: 'tool' as const, id: 'one', name: 'read', content: 'x' }

test.each([
  ['no result', [CALLED]],
  ['a result behind the next question', [CALLED, REQUEST.messages[0], RESULT]],
  ['two results', [CALLED, RESULT, RESULT]],
  ['the result of another call', [CALLED, { ...RESULT, id: 'two' }]],
])('a tool call with %s is refused before anything is sent', async (_, more) => {
  const messages = [...REQUEST.messages, ...more] as ModelRequest['messages']
  await expect(call('anthropic/x', { messages })).rejects.toThrow(
    'The request to the model is not valid: messages: must have one result for each tool call, directly after it',
  )
  expect(server.requests).toEqual([])
})

test('a redirect, which would take the key along, is not followed', async () => {
  const other = await openFakeModel()
  server.answers({ status: 307, headers: { location: `${other.url}/v1/messages` } })
  await expect(call('anthropic/x')).rejects.toThrow(RetryAt)
  expect(other.requests).toEqual([])
  other.close()
})

test('an answer that comes in many pieces is read whole', async () => {
  server.answers({ text: 'é'.repeat(5000), pieces: 40 })
  expect((await call('anthropic/x')).text).toBe('é'.repeat(5000))
})
