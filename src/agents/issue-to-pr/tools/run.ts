// The tool that runs a command that the operator has allowed, isolated.
import { z } from 'zod'
import { entryAt } from '../../../workspaces/inside.ts'
import type { ProgramEnd } from '../run-in-checkout.ts'
import { runInCheckout } from '../run-in-checkout.ts'
import { insidePath } from './paths.ts'
import type { AllowedCommand, EditContext } from './tool.ts'
import { defineTool, Refused } from './tool.ts'

const DEFAULT_TIMEOUT_MS = 5 * 60_000
const MAX_ARGUMENTS = 50
// No shell reads them; one that a script of the repository starts might.
const PLAIN_WORD = /^[\w@%+=:,./-]{1,200}$/

/** Runs a command. */
export const runTool = defineTool({
  name: 'run',
  description: 'Runs one of the commands that are allowed, by its name. No shell is involved.',
  arguments: z.strictObject({
    command: z.string().min(1).max(200),
    arguments: z.array(z.string().max(1024)).max(MAX_ARGUMENTS).default([]),
  }),
  changes: true,
  async run({ command, arguments: given }, context) {
    const allowed = Object.hasOwn(context.commands, command) ? context.commands[command] : undefined
    if (allowed === undefined)
      throw new Refused(`There is no command "${command}". ${allowedCommands(context.commands)}`)
    const added = await checked(command, given, { allowed, context })
    const { argv, env, timeoutMs = DEFAULT_TIMEOUT_MS } = allowed
    const end = await runInCheckout(context.checkout, { argv: [...argv, ...added], env, timeoutMs })
    const target = [command, ...added].join(' ')
    return {
      target,
      outcome: end.exitCode === 0 ? 'ok' : 'failed',
      said: saidOf(target, end),
      ...(end.tail.trim() === '' ? {} : { found: end.tail }),
      test: { command: target, exitCode: end.exitCode, tail: end.tail },
    }
  },
})

function saidOf(target: string, { exitCode, ended, tail }: ProgramEnd): string {
  const how = ended ?? `ended with exit code ${exitCode}`
  return `${target} ${how}.${tail.trim() === '' ? ' It printed nothing.' : ''}`
}

async function checked(
  command: string,
  given: readonly string[],
  { allowed, context }: { allowed: AllowedCommand; context: EditContext },
): Promise<string[]> {
  if (given.length === 0) return []
  if (allowed.arguments === undefined) throw new Refused(`The command "${command}" takes no arguments.`)
  const wrong = given.find((word) => !PLAIN_WORD.test(word))
  if (wrong !== undefined) {
    throw new Refused(`The argument ${JSON.stringify(wrong)} is refused: use letters, digits and @%+=:,./_- only.`)
  }
  // What argv names is opened to the program, wherever it is on the machine.
  const absolute = given.find((word) => word.startsWith('/'))
  if (absolute !== undefined) throw new Refused(`The argument ${absolute} is refused: name a path of the repository.`)
  if (allowed.arguments === 'words') return [...given]
  const paths = given.map((word) => {
    const path = insidePath(word)
    // Only now: the path of `./--eval` is an option.
    if (path.startsWith('-')) throw new Refused(`The argument ${word} is refused: "${command}" takes paths only.`)
    return path
  })
  for (const path of paths) await entryAt(context.copy.folder, path)
  return paths
}

/** The commands in words, for the model. */
export function allowedCommands(commands: Readonly<Record<string, AllowedCommand>>): string {
  const lines = Object.entries(commands).map(([name, { description, argv, arguments: more }]) => {
    const takes = more === undefined ? '' : more === 'paths' ? ', may be given paths' : ', may be given arguments'
    return `- ${name}: ${description ?? `runs ${argv.join(' ')}`}${takes}`
  })
  return lines.length === 0 ? 'No command is allowed.' : `Commands that are allowed:\n${lines.join('\n')}`
}
