// Everything the doctor looks at, in order.
import type { Cli } from '../terminal.ts'
import type { Check } from './check.ts'
import { databaseChecks } from './database.ts'
import { githubChecks } from './github.ts'
import { portCheck, publicUrlCheck } from './server.ts'
import { closedChecks, configChecks, environmentChecks, nodeCheck } from './settings.ts'

/** Looks at everything; `report` hears of each finding as soon as it is there. */
export async function examine(
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
  const { checks, environment } = environmentChecks(cli.env)
  add(checks)
  add(await configChecks(cli, environment, options.config))
  add(closedChecks(environment))
  add(await databaseChecks(environment))
  add(await githubChecks(environment))
  add([await portCheck(environment), ...(await publicUrlCheck(environment))])
  return all
}
