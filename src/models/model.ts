// The model as an agent has it: what it answers is remembered as a step, and checked where it is
// JSON.
import { z } from 'zod'
import { errorText, GiveUp } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import type { Used } from './budget.ts'
import { requireWhole } from './failure.ts'
import type { ModelAnswer, ModelRequest } from './request.ts'

/** What an agent asks: `name` is the step that remembers the answer, unique within the job. */
export type ModelQuestion = Pick<ModelRequest, 'system' | 'maxTokens' | 'timeoutMs' | 'budget'> & {
  name: string
  prompt: string
  /** Called with each answer, to count what it took; not when the answer was remembered. */
  onAnswer?(answer: ModelAnswer): void
}

/** The model of a job. */
export type Model = {
  /** As the configuration names it. */
  name: string
  /** What to set before it can be asked, as a sentence; null when nothing is missing. */
  problem: string | null
  /** Asks, and returns the text of the answer. A later attempt gets it without another call. */
  text(question: ModelQuestion): Promise<string>
  /**
   * Asks for JSON of this schema, and returns what the schema makes of it. A wrong answer is sent
   * back once, with what is wrong with it; a second wrong one fails the job.
   */
  object<Schema extends z.ZodObject>(question: ModelQuestion & { schema: Schema }): Promise<z.infer<Schema>>
  /** Sends one request, whatever its messages, and remembers nothing: for use within a step. */
  answer(request: ModelRequest): Promise<ModelAnswer>
  /** What the job has used in all its attempts, and its budget. */
  used(): Promise<Used>
}

/** Which model it is, and whether it can be asked. */
export type ModelState = Pick<Model, 'name' | 'problem'>

type Parts = ModelState & {
  step<T>(name: string, fn: () => Promise<T> | T): Promise<T>
  answer: Model['answer']
  /** Where nobody else counts, what it was asked is counted here. */
  used?: Model['used']
}

/** Makes the model of an agent from the steps of its job and what calls a model. */
export function modelOf({ step, answer: ask, used, name, problem }: Parts): Model {
  const sum: Used = { tokens: 0, usd: 0, budget: null }
  const answer = async (request: ModelRequest) => {
    const answered = await ask(request)
    sum.tokens += answered.inputTokens + answered.outputTokens
    sum.usd = sum.usd === null || answered.usd === null ? null : sum.usd + answered.usd
    return answered
  }
  return {
    name,
    problem,
    answer,
    used: used ?? (async () => ({ ...sum })),
    text: ({ name, prompt, onAnswer, ...rest }) =>
      step(name, async () => {
        const answered = await answer({ ...rest, name, messages: [{ role: 'user', content: prompt }] })
        onAnswer?.(answered)
        requireWhole(answered)
        return answered.text
      }),
    async object({ schema, ...question }) {
      const remembered = await step(question.name, () => askForObject(answer, schema, question))
      // Again, because a schema may make of JSON what JSON cannot say.
      const { data, error } = await schema.safeParseAsync(remembered, PARSING)
      if (error === undefined) return data
      throw new GiveUp(describe(error, { root: 'it', intro: `The remembered answer of step "${question.name}":` }))
    },
  }
}

async function askForObject(
  answer: Model['answer'],
  schema: z.ZodObject,
  { name, prompt, system, onAnswer, ...rest }: ModelQuestion,
): Promise<unknown> {
  const wanted = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as NonNullable<ModelRequest['schema']>
  // In words too, for servers that know no schemas.
  const inWords = `Answer with one JSON object of this JSON schema, and with nothing else:\n${JSON.stringify(wanted)}`
  const request: ModelRequest = {
    ...rest,
    name,
    system: system === undefined ? inWords : `${system}\n\n${inWords}`,
    // Copied as JSON, because zod hides functions in it.
    schema: JSON.parse(JSON.stringify(wanted)),
    messages: [{ role: 'user', content: prompt }],
  }
  const first = await answer(request)
  onAnswer?.(first)
  requireWhole(first)
  const read = await readObject(schema, first.text)
  if ('value' in read) return read.value
  const second = await answer({
    ...request,
    messages: [
      ...request.messages,
      { role: 'assistant', content: first.text.trim() === '' ? '(nothing)' : first.text },
      { role: 'user', content: `That is not valid:\n${read.problem}\nAnswer again, with the JSON object only.` },
    ],
  })
  onAnswer?.(second)
  requireWhole(second)
  const repaired = await readObject(schema, second.text)
  if ('value' in repaired) return repaired.value
  throw new GiveUp(`The answer of ${second.model} is not valid, also after a second turn: ${repaired.problem}`)
}

/** The JSON of an answer, before the schema has changed it; or what is wrong with it. */
async function readObject(schema: z.ZodObject, text: string): Promise<{ value: unknown } | { problem: string }> {
  let value: unknown
  try {
    value = JSON.parse(/^\s*```\w*\n(.*)\n```\s*$/s.exec(text)?.[1] ?? text)
  } catch (error) {
    return { problem: `it is not JSON: ${errorText(error)}` }
  }
  const { error } = await schema.safeParseAsync(value, PARSING)
  return error === undefined ? { value } : { problem: describe(error, { root: 'the answer' }) }
}
