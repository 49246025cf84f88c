// The configuration of the demo: both ways to a pull request, and your own program as an agent.
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { command, defaultRules, defineAgent, defineConfig, z } from 'signalbox'

const review = defineAgent({
  name: 'review',
  description: 'Says how long each prompt is.',
  input: z.object({}),
  async run({ event, checkout }) {
    const { repository, number } = event?.facts ?? {}
    if (repository === undefined || number === undefined) return {}
    const { folder } = await checkout({ ref: 'main' })
    const names = await readdir(join(folder, 'prompts'))
    const texts = await Promise.all(names.map((name) => readFile(join(folder, 'prompts', name), 'utf8')))
    const body = names.map((name, at) => `- \`${name}\`: ${texts[at]?.length} characters`).join('\n')
    return { outputs: [{ kind: 'comment', repository, target: { issue: number }, key: 'review', body }] }
  },
})

export default defineConfig({
  // Way 1: an endpoint. Your own handler is notified and opens the pull request.
  endpoints: [
    {
      name: 'GitHub PR Creator',
      url: process.env.HANDLER_URL ?? 'http://localhost:3000/webhook',
      secret: process.env.HANDLER_SECRET ?? 'a-secret-for-the-demo-only',
    },
  ],
  // Any program can be an agent: it reads the job as JSON from standard input, and writes its
  // outputs as JSON to file descriptor 3.
  agents: [
    review,
    command({
      name: 'summarise-push',
      argv: [process.execPath, ...process.execArgv, `${import.meta.dirname}/agents/summarise-push.mjs`],
      // What it imports, where programs are isolated.
      read: [resolve(import.meta.dirname, '../..')],
    }),
  ],
  rules: [
    // Way 2: the default rule for deployments to production, whose agent opens the pull request.
    ...defaultRules,
    {
      name: 'github_push',
      on: 'push',
      when: { branch: 'main' },
      agent: 'summarise-push',
      concurrency: { key: 'push:{repository}' },
    },
    // For those who may write, because it is about what people say. It is tried out: `staged`.
    { name: 'review', on: 'command', command: { name: 'review' }, agent: 'review', staged: true },
  ],
})
