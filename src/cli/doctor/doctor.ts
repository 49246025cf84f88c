// `signalbox doctor`: looks at every setting and connection, and says what to do.
import type { Command } from 'commander'
import { Unsuccessful } from '../failure.ts'
import { withConfigFile } from '../settings.ts'
import type { Cli } from '../terminal.ts'
import { count } from '../text.ts'
import type { Check } from './check.ts'
import { checkText } from './check.ts'

function summary(problems: number, warnings: number): string {
  if (problems > 0) return `${count(problems, 'problem')} to put right, ${count(warnings, 'warning')}.`
  return warnings > 0 ? `It works, with ${count(warnings, 'warning')}.` : 'All is well.'
}

/** Adds `doctor`. */
export function addDoctor(program: Command, cli: Cli): void {
  withConfigFile(program.command('doctor'))
    .description('check every setting and connection, and say what to do')
    .addHelpText('after', '\nExample:\n  $ signalbox doctor')
    .action(async (options: { config?: string }) => {
      const { examine } = await import('./examine.ts')
      const say = cli.json() ? () => {} : (check: Check) => cli.out(`${checkText(cli, check)}\n`)
      const checks = await examine(cli, options, say)
      const number = (status: Check['status']) => checks.filter((check) => check.status === status).length
      const problems = number('problem')
      cli.print({ ok: problems === 0, checks }, () => `\n${summary(problems, number('warning'))}`)
      if (problems > 0) throw new Unsuccessful()
    })
}
