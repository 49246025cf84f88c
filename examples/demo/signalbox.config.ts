// The configuration of the demo. The workflows need none: these are your own handler, and a default
// rule that is tried out.
import { defaultRules, defineConfig } from 'signalbox'

export default defineConfig({
  // Your own handler is notified of deployments, and opens a pull request in its way.
  endpoints: [
    {
      name: 'GitHub PR Creator',
      url: process.env.HANDLER_URL ?? 'http://localhost:3000/webhook',
      secret: process.env.HANDLER_SECRET ?? 'a-secret-for-the-demo-only',
    },
  ],
  // What `/review` would write is shown, and not written.
  rules: defaultRules.map((rule) => (rule.name === 'review-command' ? { ...rule, staged: true } : rule)),
})
