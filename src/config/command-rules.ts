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

/**
 * The rules with those that answer commands, where any has a command. A configured rule of the same
 * name takes the place of one.
 */
export function withCommandRules(rules: readonly Rule[]): Rule[] {
  if (!rules.some(({ command }) => command !== undefined)) return [...rules]
  const isNew = ({ name }: Rule) => !rules.some((rule) => rule.name === name)
  const all = [...rules, ...[WHY].filter(isNew)]
  const commands: Command[] = [...all.flatMap(({ command }) => command ?? []), ...ANSWERS]
  const acknowledging: Rule = {
    name: 'acknowledge',
    on: 'command',
    agent: 'acknowledge',
    with: { commands },
    priority: 10,
    concurrency: { key: 'acknowledge:{repository}#{number}' },
  }
  return [...all, ...[acknowledging].filter(isNew)]
}
