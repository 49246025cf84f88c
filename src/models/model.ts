// The model as an agent has it: what it answers is remembered as a step, and checked where it is
// JSON.
import { z } from 'zod'
import { errorText, GiveUp } from '../lib/error.ts'
import { describe, PARSING } from '../lib/zod.ts'
import { requireWhole } from './failure.ts'
import type { ModelAnswer, ModelRequest } from './request.ts'

/** What an agent asks: `name` is the step that remembers the answer, unique within the job. */
export type ModelQuestion = Pick<ModelRequest, 'system' | 'maxTokens' | 'timeoutMs'> & { name: string; prompt: string }

/** The model of a job. */
export type Model = {
  /** Asks, and returns the text of the answer. A later attempt gets it without another call. */
  text(question: ModelQuestion): Promise<string>
  /**
   * Asks for JSON of this schema, and returns what the schema makes of it. A wrong answer is sent
   * back once, with what is wrong with it; a second wrong one fails the job.
   */
  object<Schema extends z.ZodObject>(question: ModelQuestion & { schema: Schema }): Promise<z.infer<Schema>>
  /** Sends one request, whatever its messages, and remembers nothing: for use within a step. */
  answer(request: ModelRequest): Promise<ModelAnswer>
}

type Parts = {
  step<T>(name: string, fn: () => Promise<T> | T): Promise<T>
  answer: Model['answer']
}

/** Makes the model of an agent from the steps of its job and what calls a model. */
export function modelOf({ step, answer }: Parts): Model {
  return {
    answer,
    text: ({ name, prompt, ...rest }) =>
      step(name, async () => {
        const answered = await answer({ ...rest, name, messages: [{ role: 'user', content: prompt }] })
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
  { name, prompt, system, ...rest }: ModelQuestion,
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
