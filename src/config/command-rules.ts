// The rules that come with commands: each is acknowledged, and `/why` is one of them.
import type { Command } from '../lib/command.ts'
import type { Rule } from '../rules/rule.ts'

const WHY: Rule = {
  name: 'why',
  on: 'command',
  command: { name: 'why', description: 'what followed from the events here, and why nothing did' },
  agent: 'why',
}

// What answers an approval is taken by the jobs that wait for it, and by no rule.
const ANSWERS: readonly Command[] = [
  { name: 'approve', arguments: { 'reason?': 'text' }, description: 'what a job here waits for approval of' },
  { name: 'reject', arguments: { 'reason?': 'text' }, description: 'the same' },
]

/** A rule, and why it is off; null when it is on. */
type Switched = { rule: Rule; off: string | null }

/**
 * The rules with those that answer commands, where any that is on has a command. A configured rule
 * of the same name takes the place of one.
 */
export function withCommandRules(rules: readonly Switched[]): Switched[] {
  if (!rules.some(({ rule, off }) => rule.command !== undefined && off === null)) return [...rules]
  const isNew = ({ name }: Rule) => !rules.some(({ rule }) => rule.name === name)
  const on = (rule: Rule): Switched => ({ rule, off: null })
  const all = [...rules, ...[WHY].filter(isNew).map(on)]
  const commandsOf = (some: readonly Switched[]) => some.flatMap(({ rule }) => rule.command ?? [])
  const commands = [...commandsOf(all.filter(({ off }) => off === null)), ...ANSWERS]
  const unavailable = commandsOf(all.filter(({ off }) => off !== null))
  const acknowledging: Rule = {
    name: 'acknowledge',
    on: 'command',
    agent: 'acknowledge',
    with: { commands, ...(unavailable.length > 0 && { off: unavailable }) },
    priority: 10,
    concurrency: { key: 'acknowledge:{repository}#{number}' },
  }
  return [...all, ...[acknowledging].filter(isNew).map(on)]
}
