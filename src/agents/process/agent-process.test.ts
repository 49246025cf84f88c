// What crosses the boundary between the service and an agent in a real child process.
import { afterAll, describe, expect, test } from 'vitest'
import type { Event } from '../../events/event.ts'
import { givenLedger } from '../../findings/given.ts'
import type { ReadForge } from '../../forges/forge.ts'
import { AppError, BudgetUsed, GiveUp, RetryAt } from '../../lib/error.ts'
import { answerOf } from '../../models/fixtures/answer-of.ts'
import { noModel } from '../../models/fixtures/no-model.ts'
import { modelOf } from '../../models/model.ts'
import type { ModelRequest } from '../../models/request.ts'
import type { AgentContext } from '../agent.ts'
import { contextOf, failureOf, open, openTestPool, run } from './fixtures/pool.ts'

// Each attempt may start a process.
const pool = open()
afterAll(() => pool.close())

const EVENT: Event = {
  id: 'event-1',
  source: 'github',
  deliveryId: 'd',
  type: 'push',
  status: 'routed',
  reason: null,
  subject: 'acme/shop',
  actor: null,
  facts: {},
  body: Buffer.from('{"ref":"é"}'),
  payload: null,
  contentType: 'application/json',
  headers: {},
  depth: 0,
  receivedAt: new Date('2026-01-02T03:04:05.678Z'),
}

describe('what an agent gets', () => {
  test('is its context, with dates and bytes as they were', async () => {
    const { result } = await run(pool, 'context', { event: EVENT, input: { n: 1, none: undefined } })
    expect(result).toEqual({
      job: { id: 'job-1', type: 't', rule: 'r', attempt: 2 },
      payload: { ref: 'é' },
      input: { n: 1 },
      isBuffer: true,
      text: '{"ref":"é"}',
      receivedAt: '2026-01-02T03:04:05.678Z',
      subject: 'acme/shop',
      now: true,
      forge: true,
    })
  })

  test('may have five megabytes, and its result one as JSON', async () => {
    const body = Buffer.from(JSON.stringify({ text: 'x'.repeat(5_000_000) }))
    expect((await run(pool, 'size', { event: { ...EVENT, body } })).result).toEqual([body.length, 5_000_000])
    expect((await run(pool, 'large')).result).toHaveLength(999_998)
  })

  test('is its input as its schema makes it, which may be more than data', async () => {
    expect(await run(pool, 'url', { input: { at: 'https://example.com/x' } })).toEqual({ result: 'example.com' })
    const failure = await failureOf(pool, 'url', { input: { at: 1 } })
    expect(failure).toBeInstanceOf(GiveUp)
    expect(failure.message).toBe('The input of agent "url" is not valid: at: must be a string, not a number')
  })

  test('reads the forge through the service', async () => {
    const calls: unknown[] = []
    const answer =
      (name: string) =>
      async (...args: unknown[]) => {
        calls.push([name, ...args])
        return name
      }
    const forge = { defaultBranch: answer('main'), readFile: answer('text') } as unknown as ReadForge
    expect(await run(pool, 'forge', { forge })).toEqual({ result: ['main', 'text'] })
    expect(calls).toEqual([
      ['main', 'a/b'],
      ['text', 'a/b', 'c', 'd'],
    ])
    const refusing = { ...forge, defaultBranch: () => Promise.reject(new AppError('forge_failed', 'not found')) }
    expect(await failureOf(pool, 'forge', { forge: refusing })).toMatchObject({
      code: 'forge_failed',
      detail: 'not found',
    })
  })

  test('has repositories checked out by the service', async () => {
    const asked: unknown[] = []
    const checkout: AgentContext<unknown>['checkout'] = async (options) => {
      asked.push(options)
      return { folder: `/checkout/${asked.length}`, sha: 'a', objects: '/o' }
    }
    const result = [
      { folder: '/checkout/1', sha: 'a', objects: '/o' },
      { folder: '/checkout/2', sha: 'a', objects: '/o' },
    ]
    expect(await run(pool, 'checkout', { checkout })).toEqual({ result })
    expect(asked).toEqual([undefined, { repository: 'a/b', ref: 'v1' }])
    const refused = () => Promise.reject(new GiveUp('not that one'))
    expect(await failureOf(pool, 'checkout', { checkout: refused })).toEqual(new GiveUp('not that one'))
  })

  test('gets what it inherits from the service', async () => {
    const inherited = async (name: string) => ({ name })
    expect(await run(pool, 'inherited', { inherited })).toEqual({ result: { name: 'files' } })
  })

  test('reads the findings through the service', async () => {
    const findings = givenLedger({ muted: ['debug'], dismissed: ['f1'], reviewed: { key: [] } })
    const result = [[], ['debug'], ['f1'], { key: [] }]
    expect(await run(pool, 'findings', { findings })).toEqual({ result })
    const refusing = { ...findings, of: () => Promise.reject(new GiveUp('not that one')) }
    expect(await failureOf(pool, 'findings', { findings: refusing })).toEqual(new GiveUp('not that one'))
  })

  test('asks its model through the service, which alone calls it', async () => {
    const asked: ModelRequest[] = []
    const answer = async (request: ModelRequest) => {
      asked.push(request)
      return answerOf(request.name === 'object' ? '{"at": "2026-01-01"}' : 'Hello!')
    }
    const model = modelOf({ name: 'test/model', problem: null, step: async (_, fn) => fn(), answer })
    expect(await run(pool, 'asks', { model })).toEqual({ result: { text: 'Hello!', at: true, keys: [] } })
    expect(asked.map(({ name }) => name).sort()).toEqual(['object', 'text'])
    const refusing = modelOf({
      ...noModel,
      step: async (_, fn) => fn(),
      answer: () => Promise.reject(new GiveUp('no key')),
    })
    expect(await failureOf(pool, 'asks', { model: refusing })).toEqual(new GiveUp('no key'))
    const used = modelOf({
      ...noModel,
      step: async (_, fn) => fn(),
      answer: () => Promise.reject(new BudgetUsed('all used')),
    })
    const failure = await failureOf(pool, 'asks', { model: used })
    expect([failure.constructor, failure.message]).toEqual([BudgetUsed, 'all used'])
  })

  test('has its workspaces made by the service', async () => {
    expect(await run(pool, 'workspace')).toEqual({ result: '/the/workspace' })
  })
})

describe('a step', () => {
  test('runs in the child, and is remembered by the service', async () => {
    const steps = new Map<string, string | undefined>()
    const step = async <T>(name: string, fn: () => Promise<T> | T): Promise<T> => {
      const json = JSON.stringify(await fn()) as string | undefined
      steps.set(name, json)
      return (json === undefined ? undefined : JSON.parse(json)) as T
    }
    const when = '1970-01-01T00:00:00.000Z'
    expect(await run(pool, 'steps', { step })).toEqual({ result: { a: 1, b: { when }, c: true } })
    expect([...steps]).toEqual(
      expect.arrayContaining([
        ['a', '1'],
        ['b', `{"when":"${when}"}`],
        ['c', undefined],
      ]),
    )
  })

  test('that was remembered does not run again', async () => {
    const step = async () => 'remembered' as never
    expect(await run(pool, 'throwingStep', { step })).toBe('remembered')
  })

  test('throws what its function threw, or why it is not JSON', async () => {
    expect(await failureOf(pool, 'throwingStep')).toMatchObject({ name: 'RangeError', message: 'too far' })
    const step = async <T>(_: string, fn: () => Promise<T> | T): Promise<T> => JSON.parse(JSON.stringify(await fn()))
    expect((await failureOf(pool, 'circularStep', { step })).message).toMatch(/circular/)
  })
})

describe('what an agent throws', () => {
  test('says what follows', async () => {
    expect(await failureOf(pool, 'gives')).toBeInstanceOf(GiveUp)
    const later = await failureOf(pool, 'retries')
    expect(later).toBeInstanceOf(RetryAt)
    expect(later).toMatchObject({ message: 'tomorrow', when: new Date(86_400_000) })
    expect(await failureOf(pool, 'refuses')).toBeInstanceOf(AppError)
  })

  test('has its name, its stack and its cause', async () => {
    const failure = await failureOf(pool, 'fails')
    expect(failure).toMatchObject({ name: 'TypeError', message: 'not a function', code: 'E_INNER' })
    expect(failure.stack).toMatch(/TypeError: not a function\n.*served\.ts/)
    expect(failure.cause).toMatchObject({ message: 'inner' })
    expect(await failureOf(pool, 'aggregate')).toMatchObject({ errors: [{ message: 'first' }, { message: 'second' }] })
    expect(await failureOf(pool, 'text')).toBe('only text')
  })

  test('is a failure of its own when what it returned is not data', async () => {
    const failure = await failureOf(pool, 'notData')
    expect(failure).toBeInstanceOf(GiveUp)
    expect(failure.message).toMatch(/^What the agent returned is not data: /)
    const { result } = await run(pool, 'notJson')
    expect(() => JSON.stringify(result)).toThrow('BigInt')
  })
})

describe('too much', () => {
  test.each([
    ['tooLarge', 'The result is larger than 1 MB as JSON.'],
    ['tooMany', 'What the agent returned is larger than 25 MB as JSON.'],
  ])('is not passed on when it is returned: %s', async (agent, message) => {
    const failure = await failureOf(pool, agent)
    expect(failure).toBeInstanceOf(GiveUp)
    expect(failure.message).toBe(message)
  })

  test('is cut when it is thrown', async () => {
    const { message, stack } = await failureOf(pool, 'throwsMuch')
    expect([message.length, stack?.length]).toEqual([100_000, 100_000])
  })

  test.each(['log', 'print', 'message'])('is cut after a whole line when it is said at once: %s', async (input) => {
    const { given, lines } = contextOf({ input })
    await pool.run('saysMuch', given)
    expect(
      lines
        .map(([line]) => line)
        .join('\n')
        .trimEnd(),
    ).toBe('first\nThe rest is left out: it has more than 1,000,000 characters.')
  })
})

describe('a message that an agent sends itself', () => {
  test.each(['ready', null, 7, {}, { answer: 'x', value: 1 }, { call: 1 }, { call: null, name: 'log', args: 'x' }])(
    'is ignored when it is %j, and the log of the job says so',
    async (input) => {
      const { given, lines } = contextOf({ input })
      expect(await pool.run('sends', given)).toEqual({ result: expect.any(Number) })
      expect(lines).toEqual([
        ['The agent called process.send with a message that is not for Signalbox; it was ignored.', undefined],
      ])
    },
  )

  test.each(['toString', '__proto__', 'unknown'])('calls nothing that is named %s', async (name) => {
    const { given, lines } = contextOf({ input: { call: null, name, args: [] } })
    expect(await pool.run('sends', given)).toEqual({ result: expect.any(Number) })
    expect(lines).toEqual([])
  })

  test('costs its own attempt when it is taken for an answer', async () => {
    const round: Record<string, unknown> = { kind: 'error', name: 'Error', message: 'round' }
    round.cause = round
    round.errors = Array.from({ length: 10 }, () => round)
    const odd = { kind: 'AppError', name: 'x', message: 'odd', code: 'toString' }
    const messages: Record<string, string> = {}
    for (const [name, thrown] of Object.entries({ none: null, round, odd })) {
      const own = openTestPool()
      messages[name] = (await failureOf(own, 'sends', { input: { answer: 1, thrown } })).message
    }
    expect(messages).toEqual({ none: 'What the agent threw cannot be read.', round: 'round', odd: 'odd' })
    for (const value of [null, 'x', { thrown: 1 }]) {
      expect(await failureOf(openTestPool(), 'sends', { input: { answer: 1, value } })).toBeInstanceOf(Error)
    }
  })
})

test('an error whose parts are no texts is one all the same', async () => {
  expect(await failureOf(pool, 'throwsOdd')).toMatchObject({
    name: 'null',
    message: '[object Object]',
    stack: undefined,
    cause: '[object Object]',
  })
})

test('fields of a line are what their JSON says, whole ones up to a limit, and no other messages are', async () => {
  const { given, lines } = contextOf()
  await pool.run('fields', given)
  expect(lines).toEqual([
    ['one', { at: '1970-01-01T00:00:00.000Z', label: 'bug', list: [1, { a: null }], big: '[not JSON]' }],
    ['two', { small: 1, after: true, left_out: '1, because there are more than 4,000 characters' }],
    ['three', {}],
    ['four', 'log'],
    ['five', 'log'],
    ['six', 'log'],
  ])
})

test('what an agent prints is in the log, in order, and so is what its programs print', async () => {
  const { given, lines } = contextOf()
  await pool.run('prints', given)
  expect(lines).toEqual([
    ['one', 'stdout'],
    ['two', 'stdout'],
    ['three', undefined],
    ['four 4', 'stderr'],
    ['five', 'stdout'],
    ['six', 'stdout'],
  ])
  const other = contextOf()
  await pool.run('inherits', other.given)
  expect(other.lines).toEqual([['from a program', 'stdout']])
})
