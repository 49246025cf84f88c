// `signalbox doctor`: looks at every setting and connection, and says what to do.
import type { Command } from 'commander'
import { withConfigFile } from '../config-file.ts'
import { Unsuccessful } from '../failure.ts'
import type { Cli } from '../terminal.ts'
import { count } from '../text.ts'
import type { Check } from './check.ts'
import { checkText } from './check.ts'
import { databaseChecks } from './database.ts'
import { diskCheck } from './disk.ts'
import { withKeys } from './encryption-key.ts'
import { closedChecks, configChecks, envFileChecks, environmentChecks, nodeCheck } from './environment.ts'
import { gitChecks } from './git.ts'
import { githubChecks } from './github.ts'
import { portCheck, publicUrlCheck } from './server.ts'

/** Completes `doctor`. */
export function addDoctor(doctor: Command, cli: Cli): void {
  withConfigFile(doctor)
    .addHelpText('after', '\nExample:\n  $ signalbox doctor')
    .action(async (options: { config?: string }) => {
      const report = cli.json() ? () => {} : (check: Check) => cli.out(`${checkText(cli, check)}\n`)
      const checks = await examine(cli, options, report)
      const number = (status: Check['status']) => checks.filter((check) => check.status === status).length
      const problems = number('problem')
      cli.print({ ok: problems === 0, checks }, () => `\n${summary(problems, number('warning'))}`)
      if (problems > 0) throw new Unsuccessful()
    })
}

/** Looks at everything, in order; `report` is called with each finding as soon as it is known. */
async function examine(
  cli: Pick<Cli, 'env' | 'folder'>,
  options: { config?: string | undefined },
  report: (check: Check) => void,
): Promise<Check[]> {
  const all: Check[] = []
  const add = (checks: readonly Check[]) => {
    all.push(...checks)
    checks.forEach(report)
  }
  add([nodeCheck(process.versions.node)])
  const { checks, environment: read } = environmentChecks(cli.env)
  const { environment, checks: keyChecks } = await withKeys(cli, read)
  add([...checks, ...keyChecks])
  add(await envFileChecks(cli))
  add(await configChecks(cli, environment, options.config))
  add(closedChecks(environment))
  add(await databaseChecks(environment))
  add([await diskCheck(cli, environment)])
  add(await githubChecks(environment))
  add(await gitChecks(cli, environment))
  add([await portCheck(environment), ...(await publicUrlCheck(environment))])
  return all
}

function summary(problems: number, warnings: number): string {
  if (problems > 0) return `${count(problems, 'problem')} to put right, ${count(warnings, 'warning')}.`
  return warnings > 0 ? `It works, with ${count(warnings, 'warning')}.` : 'All is well.'
}
