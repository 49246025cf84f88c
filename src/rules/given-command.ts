// The command that an event's text gives, as a rule takes it.
import { isNamed, readArguments } from '../lib/command.ts'
import type { MatchInput } from './match.ts'
import type { Rule } from './rule.ts'

/** Why the text gives no command that a rule takes, as a part of a sentence; null if it does. */
export function commandProblem({ command }: Rule, { facts }: MatchInput): string | null {
  if (command === undefined) return null
  if (facts.command === undefined) return `the text gives no command, wanted /${command.name}`
  if (!isNamed(command, facts.command)) return `the command is /${facts.command}, wanted /${command.name}`
  const read = readArguments(command, facts.arguments ?? [])
  return 'problem' in read ? `/${facts.command}: ${read.problem}` : null
}

/** The arguments that a rule's command was given, by name; none for a rule without a command. */
export function givenArguments({ command }: Rule, { facts }: MatchInput): Record<string, unknown> {
  const read = command === undefined ? null : readArguments(command, facts.arguments ?? [])
  return read !== null && 'values' in read ? read.values : {}
}
