// Answers a command at once: with eyes, or with what is wrong with it if no rule takes it.
import { z } from 'zod'
import type { SubjectRecord } from '../../events/subject.ts'
import type { Command } from '../../lib/command.ts'
import { commandSchema, isNamed, readArguments, usageOf } from '../../lib/command.ts'
import { isObject } from '../../lib/json.ts'
import { nearest } from '../../lib/nearest.ts'
import type { Output } from '../../publisher/output.ts'
import { codeSpan } from '../../untrusted/inert.ts'
import type { Agent } from '../agent.ts'
import { defineAgent } from '../agent.ts'
import type { AnswerTarget } from '../answer-target.ts'
import { answerTarget } from '../answer-target.ts'

const HOUR_MS = 60 * 60 * 1000

/**
 * Looks at every command. One that a rule takes gets eyes as a reaction. One that no rule takes is
 * answered by a short comment with what is wrong, the nearest name and all commands; at most once
 * an hour for an issue or pull request.
 */
export function acknowledge(record: Pick<SubjectRecord, 'hasCommented'> | null): Agent {
  const agent = defineAgent({
    name: 'acknowledge',
    description: 'Reacts to commands, and answers those that no rule takes with the ones there are.',
    input: z.looseObject({ commands: z.array(commandSchema), off: z.array(commandSchema).optional() }),
    async run({ event, input: { commands, off = [] }, payload, log }) {
      const { command, arguments: words = [] } = event?.facts ?? {}
      if (event === null || command === undefined) return { result: { answered: false } }
      const problem = problemOf({ commands, off }, command, words)
      const at = answerTarget(event.type, event.facts)
      if (problem === null) {
        const outputs = eyes(event.type, payload, at)
        return { outputs, result: { answered: outputs.length > 0, command } }
      }
      const isQuiet = await record?.hasCommented(event.subject ?? '', 'acknowledge', HOUR_MS)
      if (at === null || isQuiet) {
        log(isQuiet ? 'help was given within the last hour' : 'there is no place to answer')
        return { result: { answered: false, command, problem } }
      }
      const body = helpText(commands, problem)
      return { outputs: [{ kind: 'comment', key: 'help', ...at, body }], result: { answered: true, command, problem } }
    },
  })
  return { ...agent, runsIn: 'service' }
}

/** What is wrong with a command, in Markdown; null when a rule takes it. */
function problemOf(
  { commands, off }: { commands: readonly Command[]; off: readonly Command[] },
  name: string,
  words: readonly string[],
): string | null {
  const named = commands.filter((command) => isNamed(command, name))
  if (named.length === 0) {
    if (off.some((command) => isNamed(command, name))) {
      return `${codeSpan(`/${name}`)} is off: ${codeSpan('signalbox doctor')} says what would switch it on.`
    }
    const names = commands.flatMap((command) => [command.name, ...(command.aliases ?? [])])
    const near = nearest(name, names)
    return `There is no command ${codeSpan(`/${name}`)}${near === null ? '.' : `; did you mean ${codeSpan(`/${near}`)}?`}`
  }
  const problems = named.map((command) => readArguments(command, words))
  const [first] = problems
  const isTaken = problems.some((each) => 'values' in each)
  return isTaken || first === undefined || !('problem' in first)
    ? null
    : `${codeSpan(`/${name}`)} was not understood: ${codeSpan(first.problem)}.`
}

/** Eyes on the text that gave the command; none for a review, which cannot be reacted to. */
function eyes(type: string, payload: unknown, at: AnswerTarget | null): Output[] {
  if (at === null || type.startsWith('pull_request_review.')) return []
  const comment = isObject(payload) && isObject(payload.comment) ? payload.comment.id : undefined
  const isReview = type.startsWith('pull_request_review_comment.')
  const onComment = typeof comment === 'number' && (isReview ? { reviewComment: comment } : { comment })
  return [{ kind: 'reaction', repository: at.repository, target: onComment || at.target, reaction: 'eyes' }]
}

function helpText(commands: readonly Command[], problem: string): string {
  const lines = commands.map((each) => {
    const also = each.aliases?.length ? ` (also ${each.aliases.map((name) => codeSpan(`/${name}`)).join(', ')})` : ''
    return `- ${codeSpan(usageOf(each))}${also}${each.description ? `: ${each.description}` : ''}`
  })
  return [problem, '', 'The commands are:', '', ...lines].join('\n')
}
