// Whose file a deployment would write: two projects may have an app of the same name.
import type { ReadForge } from '../../forges/forge.ts'
import { GiveUp } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import type { DeploymentEvent } from './deployment-event.ts'

type Reader = Pick<ReadForge, 'defaultBranch' | 'readFile'>

/**
 * Makes sure that the file on the base branch, if there is one, is of the same project.
 * `repository` is as the forge knows it.
 * @throws GiveUp when it documents another project's app.
 */
export async function requireOwnFile(
  forge: Reader,
  repository: string,
  { output, event }: { output: PullRequestOutput; event: DeploymentEvent },
): Promise<void> {
  const path = output.changes[0]?.path
  if (!event.project_id || path === undefined) return
  const base = output.base ?? (await forge.defaultBranch(repository))
  const other = projectOf(await forge.readFile(repository, path, base))
  if (other === null || other === event.project_id) return
  throw new GiveUp(
    `The file ${path} of ${output.repository} is of the project ${other}, and this deployment of ${event.project_id}: ` +
      'give each its own file, with {project} in the option `path`.',
  )
}

function projectOf(content: string | null): string | null {
  try {
    const file: unknown = JSON.parse(content ?? '')
    return isObject(file) && typeof file.project_id === 'string' && file.project_id !== '' ? file.project_id : null
  } catch {
    return null
  }
}
