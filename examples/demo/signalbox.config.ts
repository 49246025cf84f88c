// The configuration the demo runs with: both ways to a pull request, and a program of your own as
// an agent.
import { command, defaultRules, defineConfig } from 'signalbox'

export default defineConfig({
  // Way 1: tell a handler of yours, which opens the pull request itself.
  endpoints: [
    {
      name: 'GitHub PR Creator',
      url: process.env.HANDLER_URL ?? 'http://localhost:3000/webhook',
      secret: process.env.HANDLER_SECRET ?? 'a-secret-of-the-demo-and-no-one-else',
    },
  ],
  // Any program can be an agent: the job as JSON on its standard input, its outputs as JSON on file
  // descriptor 3.
  agents: [
    command({ name: 'summarise-push', argv: [process.execPath, `${import.meta.dirname}/agents/summarise-push.mjs`] }),
  ],
  rules: [
    // Way 2: the built-in agent opens the pull request (the default rule for deployments to
    // production).
    ...defaultRules,
    { name: 'github_push', on: 'push', when: { branch: 'main' }, agent: 'summarise-push', group: 'push:{repository}' },
  ],
})
