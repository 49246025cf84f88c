// Answers "why did nothing happen?" on an issue or pull request, from the record of its events.
import { z } from 'zod'
import type { SubjectEvent, SubjectRecord } from '../../events/subject.ts'
import { GiveUp } from '../../lib/error.ts'
import { firstLine } from '../../lib/one-line.ts'
import { codeSpan } from '../../untrusted/inert.ts'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import { answerTarget } from '../answer-target.ts'

const SHOWN = 10
/** Those that answer commands: what they did is no answer to what happened. */
const ANSWERING = ['acknowledge', 'why']
const MAX_REASON_CHARS = 300

/** Comments with the newest events of the subject, and what followed from each, or why nothing. */
export function why(record: Pick<SubjectRecord, 'eventsOf'> | null): Agent {
  const agent = defineAgent({
    name: 'why',
    description: 'Says on an issue or pull request what followed from its events, and why nothing did.',
    input: z.looseObject({}),
    async run({ event }) {
      const at = event === null ? null : answerTarget(event.type, event.facts)
      if (event?.subject == null || at === null) throw new GiveUp('There is no issue or pull request to answer on.')
      if (record === null) throw new GiveUp('Only the service has the record of events.')
      const events = (await record.eventsOf(event.subject, SHOWN + 1, { withoutAgents: ANSWERING })).filter(
        ({ id }) => id !== event.id,
      )
      const lines = events.slice(0, SHOWN).map(lineOf)
      const body = lines.length === 0 ? 'No other event is known here.' : ['Newest first:', '', ...lines].join('\n')
      return { outputs: [{ kind: 'comment', key: 'why', ...at, body }], result: { events: lines.length } }
    },
  })
  return { ...agent, runsIn: 'service' }
}

function lineOf({ type, actor, status, reason, receivedAt, jobs }: SubjectEvent): string {
  const by = actor === null ? '' : ` by ${codeSpan(actor)}`
  const followed = jobs.map(
    ({ rule, agent, status: state, error }) =>
      `rule ${codeSpan(rule)}, agent ${codeSpan(agent)}: ${state}${error === null ? '' : `, ${shown(error)}`}`,
  )
  const kept = reason === null ? [] : [followed.length > 0 ? `not done: ${shown(reason)}` : shown(reason)]
  const what = followed.length > 0 ? [...followed, ...kept].join('; ') : [status, ...kept].join(', ')
  return `- ${receivedAt.toISOString()} ${codeSpan(type)}${by}: ${what}`
}

function shown(text: string): string {
  return codeSpan(firstLine(text, MAX_REASON_CHARS))
}
