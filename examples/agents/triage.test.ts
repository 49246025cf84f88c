// Run it with: node --test
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testAgent } from 'signalbox'
import { triage } from './triage.ts'

test('a bug is labelled as one', async () => {
  const { outputs, asked } = await testAgent(triage, {
    event: { type: 'issues.opened', facts: { repository: 'acme/shop', number: 7 } },
    payload: { issue: { title: 'It crashes', body: null } },
    model: [{ json: { kind: 'bug' } }],
  })
  assert.deepEqual(outputs, [{ kind: 'labels', repository: 'acme/shop', target: { issue: 7 }, labels: ['bug'] }])
  assert.match(asked[0]?.messages[0]?.content ?? '', /It crashes/)
})
