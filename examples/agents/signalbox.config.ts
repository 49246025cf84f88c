// The configuration with both agents.
import { command, defineConfig } from 'signalbox'
import { triage } from './triage.ts'

export default defineConfig({
  agents: [triage, command({ name: 'count-changes', argv: ['python3', `${import.meta.dirname}/count_changes.py`] })],
  rules: [
    { name: 'triage', on: 'issues.opened', agent: 'triage', budget: { tokens: 20_000 } },
    { name: 'count-changes', on: 'push', agent: 'count-changes' },
  ],
})
