// Why the rules of a configuration file match the event of a file, or do not.
import { permissionsOf } from '../jobs/permission.ts'
import { explain } from '../rules/explain.ts'
import { withPermission } from '../rules/permission.ts'
import { loadConfigured } from './config-file.ts'
import { placeOf } from './configured.ts'
import { eventIn } from './event-file.ts'
import { readJsonFile } from './json-file.ts'
import type { Explained, ExplainOptions } from './rules.ts'
import type { Cli } from './terminal.ts'

/** Says it for every rule. */
export async function explainFile(cli: Cli, file: string, options: ExplainOptions): Promise<Explained> {
  const event = eventIn(await readJsonFile(cli, file), file, options)
  const configured = await loadConfigured(cli, options)
  const permitted = permissionsOf(configured)
  const rules = await Promise.all(
    configured.rules.map((rule) => withPermission(explain(rule, event), rule, event, permitted)),
  )
  return { event, rules, rules_of: placeOf(configured, cli.folder) }
}
