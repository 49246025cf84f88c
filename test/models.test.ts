// A model on a whole service: the agent asks from its child process, which has no key; the job
// shows what it cost; and a wrong set-up is said in one sentence.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openFakeModel } from './fake-model/fake-model.ts'
import { openTestFolder } from './folder.ts'
import { run } from './process.ts'
import { TOKEN } from './signalbox.ts'

// A service is started, and an agent's process.
const KEY = 'the-key-4f81a6-own'
const OTHER_KEY = 'the-key-93c7d2-other'

const CONFIG = `import { BudgetUsed, defineAgent, defineConfig, z } from 'signalbox'
  const agent = (name, model) => defineAgent({
    name, description: 'For a test.', input: z.unknown(), model,
    run: async ({ model, step }) => {
      const keys = await step('keys', () => Object.values(process.env).filter((value) => value.startsWith('the-key')))
      return { result: { answer: await model.text({ name: 'ask', prompt: 'Is it ready?' }), keys } }
    },
  })
  const tools = [{ name: 'look', description: 'Looks.', schema: { type: 'object' } }]
  const worker = defineAgent({
    name: 'worker', description: 'For a test.', input: z.unknown(),
    run: async ({ model, step }) => {
      const messages = [{ role: 'user', content: 'Work.' }]
      try {
        for (let turn = 1; ; turn += 1) {
          const { text, toolCalls } = await step('turn ' + turn, () => model.answer({ messages, tools }))
          messages.push({ role: 'assistant', content: text, toolCalls })
          for (const { id, name } of toolCalls) messages.push({ role: 'tool', id, name, content: 'seen ' + turn })
        }
      } catch (error) {
        if (!(error instanceof BudgetUsed)) throw error
        return { result: { messages: messages.length, reason: error.message } }
      }
    },
  })
  export default defineConfig({
    agents: [agent('asker'), agent('other', { url: process.env.OWN_URL, name: 'other-x', key: 'OTHER_KEY' }), worker],
    rules: [
      { name: 'ask', on: 'push', agent: 'asker', jobType: 'ask-cheaply', budget: { usd: 0.0005 } },
      { name: 'work', on: 'push', agent: 'worker', jobType: 'work', budget: { tokens: 2000 } },
    ],
    prices: { 'compatible/own-x': { input: 1, output: 2 } },
  })`

test('an agent asks through the service, and the job shows what it cost', async () => {
  const server = await openFakeModel()
  onTestFinished(server.close)
  server.answers({ text: `Yes, and the key is ${OTHER_KEY}.`, inputTokens: 100, outputTokens: 50 })
  const folder = await openTestFolder()
  await writeFile(join(folder, 'signalbox.config.mjs'), CONFIG)
  const env: Record<string, string> = {
    PORT: '0',
    SIGNALBOX_API_TOKEN: TOKEN,
    OTHER_KEY,
    OWN_URL: `${server.url}/v1`,
    SIGNALBOX_MODEL: 'own-x',
    SIGNALBOX_MODEL_URL: `${server.url}/v1`,
    SIGNALBOX_MODEL_KEY: KEY,
  }
  const service = run(['dev'], { cwd: folder, env })
  onTestFinished(async () => void (await service.kill('SIGTERM')))
  env.SIGNALBOX_URL = (await service.prints(/http:\/\/127\.0\.0\.1:\d+/))[0]
  const signalbox = async (...args: string[]) => {
    const ran = run(args, { cwd: folder, env })
    const code = await ran.exited
    return { code, output: ran.output() }
  }
  const triggered = async (type: string) => {
    const { code, output } = await signalbox('trigger', type, '--wait', '--json')
    return { code, id: /"job_created": "([^"]+)"/.exec(output)?.[1] ?? /"id": "([^"]+)"/.exec(output)?.[1] ?? output }
  }

  const asked = await triggered('asker')
  const shown = JSON.parse((await signalbox('jobs', 'show', asked.id, '--json')).output)
  expect(shown.result).toEqual({ answer: 'Yes, and the key is [redacted].', keys: [] })
  expect(shown.usage).toEqual({ calls: 1, input_tokens: 100, output_tokens: 50, usd: 0.0002 })
  const text = (await signalbox('jobs', 'show', asked.id)).output
  expect(text).toMatch(/^used +100 in, 50 out tokens, \$0\.000200$/m)
  expect(text).toMatch(/compatible\/own-x +ask +1 +100 in, 50 out +\$0\.000200/)
  expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`)

  await triggered('other')
  expect(server.requests[1]).toMatchObject({ model: 'other-x', headers: { authorization: `Bearer ${OTHER_KEY}` } })

  server.answers({ text: 'Yes.', inputTokens: 300, outputTokens: 200 })
  const { id, code } = await triggered('ask-cheaply')
  expect(code).toBe(1)
  const over = JSON.parse((await signalbox('jobs', 'show', id, '--json')).output)
  expect([over.status, over.attempt, over.error, over.budget]).toEqual([
    'failed',
    1,
    'The job has exceeded its budget: $0.0007 of $0.0005 are used.',
    { usd: 0.0005 },
  ])

  server.answers({ toolCalls: [{ name: 'look' }, { name: 'look' }], inputTokens: 700, outputTokens: 100 })
  const before = server.requests.length
  const worked = JSON.parse((await signalbox('jobs', 'show', (await triggered('work')).id, '--json')).output)
  expect([worked.status, worked.result, worked.usage.calls]).toEqual([
    'completed',
    { messages: 7, reason: 'The job has exceeded its budget: 2400 of 2000 tokens are used.' },
    3,
  ])
  expect(server.requests.slice(before).map(({ results }) => results)).toEqual([
    [],
    ['seen 1', 'seen 1'],
    ['seen 1', 'seen 1', 'seen 2', 'seen 2'],
  ])

  server.answers({ text: 'Yes.', inputTokens: 300, outputTokens: 200 })
  const tried = await signalbox('models', 'test')
  expect(tried.output).toMatch(/^compatible\/own-x +answers +\S+s +300 in, 200 out +\$0\.000700$/m)
  expect(tried.output).toMatch(/^other-x +answers +\S+s +300 in, 200 out +no price is set$/m)
  expect(tried.code).toBe(0)
  expect((await signalbox('models', 'test', 'own-x')).output).toMatch(/^compatible\/own-x +answers /m)
  const refused = await signalbox('models', 'test', 'openai/gpt-x')
  expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('needs a key: set OPENAI_API_KEY in')])
})
