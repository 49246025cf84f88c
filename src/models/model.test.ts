// The model as an agent has it: remembered, and checked.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { GiveUp } from '../lib/error.ts'
import { answerOf } from './fixtures/answer-of.ts'
import { modelOf } from './model.ts'
import type { ModelAnswer, ModelRequest } from './request.ts'

/** A model that gives these answers, and what it was asked. */
function scripted(...answers: (string | Partial<ModelAnswer>)[]) {
  const asked: ModelRequest[] = []
  const steps = new Map<string, unknown>()
  const model = modelOf({
    name: 'test/model',
    problem: null,
    async step<T>(name: string, fn: () => Promise<T> | T): Promise<T> {
      if (!steps.has(name)) steps.set(name, JSON.parse(JSON.stringify(await fn())))
      return steps.get(name) as T
    },
    async answer(request) {
      asked.push(request)
      const next = answers.shift() ?? 'Hello.'
      return typeof next === 'string' ? answerOf(next) : answerOf('', next)
    },
  })
  return { model, asked, steps }
}

test('a text is asked for once, however often its step runs', async () => {
  const { model, asked } = scripted('One.', 'Two.')
  const question = { name: 'greet', system: 'Be kind.', prompt: 'Hi', maxTokens: 50 }
  expect([await model.text(question), await model.text(question)]).toEqual(['One.', 'One.'])
  expect(asked).toEqual([
    { name: 'greet', system: 'Be kind.', maxTokens: 50, messages: [{ role: 'user', content: 'Hi' }] },
  ])
})

test.each([
  ['length' as const, /cut off/],
  ['content-filter' as const, /content filter/],
])('an answer that ended by %s is not remembered', async (finish, message) => {
  const { model, steps } = scripted({ text: 'Half', finish })
  const failing = model.text({ name: 'greet', prompt: 'Hi' })
  await expect(failing).rejects.toThrow(GiveUp)
  await expect(failing).rejects.toThrow(message)
  expect([...steps]).toEqual([])
})

describe('an object', () => {
  const schema = z.object({ title: z.string().min(3), at: z.coerce.date<string>() })
  const question = { name: 'plan', prompt: 'Plan it.', schema }

  test('is what its schema makes of the JSON, from the answer and from the remembered step', async () => {
    const { model, asked } = scripted('```json\n{"title": "Do it", "at": "2026-01-01"}\n```')
    const expected = { title: 'Do it', at: new Date('2026-01-01') }
    expect([await model.object(question), await model.object(question)]).toEqual([expected, expected])
    expect(asked).toHaveLength(1)
    expect(asked[0]?.schema).toMatchObject({ type: 'object', properties: { title: { minLength: 3 } } })
    expect(asked[0]?.system).toMatch(/^Answer with one JSON object of this JSON schema/)
  })

  test.each([
    ['{"title": "x", "at": "2026-01-01"}', 'title: must have at least 3 characters'],
    ['I think it is', 'it is not JSON'],
    ['', 'it is not JSON'],
    ['[]', 'the answer: must be an object, not a list'],
  ])('that is wrong (%j) is sent back once, with what is wrong', async (wrong, problem) => {
    const { model, asked, steps } = scripted(wrong, '{"title": "Do it", "at": "2026-01-01"}')
    expect(await model.object(question)).toMatchObject({ title: 'Do it' })
    expect(asked).toHaveLength(2)
    const [first, said, repair] = asked[1]?.messages ?? []
    expect([first?.content, said]).toEqual(['Plan it.', { role: 'assistant', content: wrong || '(nothing)' }])
    expect(repair?.content).toContain(problem)
    expect([...steps.values()]).toEqual([{ title: 'Do it', at: '2026-01-01' }])
  })

  test('that is wrong twice gives the job up', async () => {
    const { model, asked, steps } = scripted('{}', '{"title": "No"}', '{"title": "Do it", "at": "2026-01-01"}')
    const failing = model.object(question)
    await expect(failing).rejects.toThrow(GiveUp)
    await expect(failing).rejects.toThrow(/^The answer of test\/model is not valid, also after a second turn: /)
    expect([asked.length, steps.size]).toEqual([2, 0])
  })
})
