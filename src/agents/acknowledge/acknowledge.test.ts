import { expect, test } from 'vitest'
import type { AgentContext } from '../agent.ts'
import { acknowledge } from './acknowledge.ts'

function answerTo(command: string) {
  const event = {
    type: 'issue_comment.created',
    subject: 'acme/shop#7',
    facts: { repository: 'acme/shop', number: 7, command },
  }
  const input = { commands: [{ name: 'deploy' }], off: [{ name: 'task', aliases: ['do'] }] }
  const given: Partial<AgentContext<unknown>> = {
    event: event as AgentContext<unknown>['event'],
    input,
    payload: { comment: { id: 3 } },
    log() {},
  }
  return acknowledge(null).run(given as AgentContext<unknown>)
}

test('a command whose rule is off is answered as off, and not as unknown', async () => {
  for (const name of ['task', 'do']) {
    const { outputs } = await answerTo(name)
    expect(outputs).toMatchObject([
      {
        kind: 'comment',
        target: { issue: 7 },
        body: expect.stringMatching(`^\`/${name}\` is off: \`signalbox doctor\``),
      },
    ])
    expect(JSON.stringify(outputs)).not.toContain('`/task`: ')
  }
  expect((await answerTo('deploy')).outputs).toMatchObject([{ kind: 'reaction', reaction: 'eyes' }])
  expect((await answerTo('tusk')).outputs).toMatchObject([
    { body: expect.stringContaining('There is no command `/tusk`') },
  ])
})
