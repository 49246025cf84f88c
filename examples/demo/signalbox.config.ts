// The configuration of the demo: both ways to a pull request, and your own program as an agent.
import { resolve } from 'node:path'
import { command, defaultRules, defineConfig } from 'signalbox'

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
  ],
})
