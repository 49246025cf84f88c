// Whose file a deployment would write: two projects may have an app of the same name. The first one
// has the usual file, every other one a folder of its own.
import type { DeploymentEvent } from '../../descriptions/deployment-event.ts'
import type { ReadForge } from '../../forges/forge.ts'
import { GiveUp } from '../../lib/error.ts'
import { isObject } from '../../lib/json.ts'
import { readMarker } from '../../lib/marker.ts'
import type { PullRequestOutput } from '../../publisher/pull-request-output.ts'
import type { Answer, DeploymentPrDefaults } from './answer.ts'
import { answerDeployment } from './answer.ts'

const PATH_OF_PROJECT = 'deployments/{project}/{app}/{environment}.json'
// Each is a request.
const MAX_OPEN = 5

type Reader = Pick<ReadForge, 'defaultBranch' | 'readFile' | 'pullRequests'>

/** How a repository is read, by the name that the output has. */
export type ReaderOf = (repository: string) => { forge: Reader; path: string }

/**
 * What a deployment calls for, with a file that is no other project's, on the base branch or on an
 * open pull request. Two that deploy for the first time in the same second may both find none: git
 * then merges only one of their pull requests.
 * @throws GiveUp when the payload is no deployment, or the file at the `path` that was set is of
 * another project.
 */
export async function answerWithOwnFile(
  payload: unknown,
  options: DeploymentPrDefaults,
  readerOf: ReaderOf | null,
): Promise<Answer> {
  const answer = answerDeployment(payload, options)
  if (readerOf === null || !('output' in answer)) return answer
  const other = await otherOwner(readerOf, answer)
  if (other === null) return answer
  if (options.path === undefined) return answerDeployment(payload, { ...options, path: PATH_OF_PROJECT })
  const { repository, changes } = answer.output
  throw new GiveUp(
    `The file ${changes[0]?.path} of ${repository} is of the project ${other}, and this deployment of ` +
      `${answer.event.project_id}: give each its own file, with {project} in the option \`path\`.`,
  )
}

async function otherOwner(
  readerOf: ReaderOf,
  { output, event }: { output: PullRequestOutput; event: DeploymentEvent },
): Promise<string | null> {
  const file = output.changes[0]?.path
  const project = event.project_id
  if (!project || file === undefined) return null
  const { forge, path: repository } = readerOf(output.repository)
  const base = output.base ?? (await forge.defaultBranch(repository))
  const owner = projectOf(await forge.readFile(repository, file, base))
  if (owner !== null) return owner === project ? null : owner
  const ending = `:${(output.series ?? '').split(':').slice(-2).join(':')}`
  const open = (await forge.pullRequests(repository, { state: 'open' })).filter(
    ({ fromFork, base: target, body }) =>
      !fromFork && target === base && isOfOther(readMarker(body)?.series, output, ending),
  )
  // The oldest was the first.
  for (const { headSha } of open.toReversed().slice(0, MAX_OPEN)) {
    const found = projectOf(await forge.readFile(repository, file, headSha))
    if (found !== null && found !== project) return found
  }
  return null
}

/** Whether a series is another project's, of the same app and environment. */
function isOfOther(series: string | undefined, output: PullRequestOutput, ending: string): boolean {
  return series !== undefined && series !== output.series && series.endsWith(ending)
}

function projectOf(content: string | null): string | null {
  try {
    const file: unknown = JSON.parse(content ?? '')
    return isObject(file) && typeof file.project_id === 'string' && file.project_id !== '' ? file.project_id : null
  } catch {
    return null
  }
}
