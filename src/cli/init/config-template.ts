// The configuration file that `init` writes.

/** Its text: the default rules, and examples of all else as comments. */
export const CONFIG_TEMPLATE = `// What Signalbox does with events. "signalbox doctor" checks this file, "signalbox rules ls --local"
// lists its rules. Secrets belong into .env, and are read here as process.env.NAME.
import { defaultRules, defineConfig } from 'signalbox'

export default defineConfig({
  // Which events become which jobs. The default rules review pushes and pull requests, deploy
  // releases, make pull requests of issues with the label agent-task and of deployed
  // configurations; each is off until what it needs is set.
  rules: [
    ...defaultRules,
    // { name: 'changelog', on: 'push', when: { branch: 'main' }, agent: 'changelog' },
  ],

  // Agents beside the built-in ones: functions (defineAgent), or programs (command).
  agents: [
    // command({ name: 'changelog', argv: ['./scripts/changelog.sh'] }),
  ],

  // Who is notified of which events, and where: webhooks, Slack, Telegram, mail.
  endpoints: [
    // { name: 'mine', url: 'https://example.com/webhook', secret: process.env.MINE_SECRET ?? '', events: ['job.*'] },
  ],
})
`

/**
 * What the file is called: in a folder whose package says that its files are CommonJS, it says that
 * it is a module all the same.
 */
export function configFileName(packageJson: string | null): string {
  return packageJson !== null && /"type"\s*:\s*"commonjs"/.test(packageJson)
    ? 'signalbox.config.mts'
    : 'signalbox.config.ts'
}
