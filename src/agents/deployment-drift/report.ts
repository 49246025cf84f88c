// What is said on a commit or a pull request of files that are not what was deployed (pure).
import type { Documented } from '../../deployments/documented.ts'
import { changeEntries } from '../../descriptions/changes.ts'
import { readChanges } from '../../descriptions/deployment-event.ts'
import { codeSpan } from '../../untrusted/inert.ts'
import type { Difference } from './compare.ts'

const MAX_FILES = 20
const MAX_CHANGES_CHARS = 20_000

/** A file that is not what was deployed last. */
export type Found = {
  deployment: Documented
  repository: string
  path: string
  branch: string
  /** The head of the branch. */
  commit: string | null
  difference: Difference
}

const WHAT = {
  changed: 'has another configuration than was deployed last',
  missing: 'is not there, but was deployed',
  unreadable: 'has no configuration that can be read',
} as const

/** The Markdown of the comment. */
export function reportBody(found: readonly Found[]): string {
  const shown = found.slice(0, MAX_FILES)
  const limit = MAX_CHANGES_CHARS / shown.length
  const more = found.length - shown.length
  return [
    ...shown.map((each) => section(each, limit)),
    ...(more > 0 ? [`And ${more} more ${more === 1 ? 'file' : 'files'}.`] : []),
    'To make them the same, deploy what is in the repository, or change the file back.',
  ].join('\n\n')
}

function section({ deployment, path, branch, difference }: Found, limit: number): string {
  const { appName, environment, sequence, deployedBy, deploymentId } = deployment
  const where = `${codeSpan(path)} of ${codeSpan(branch)}`
  const what = `deployment ${sequence} of ${codeSpan(appName)} to ${codeSpan(environment)}`
  return [
    `**${where} ${WHAT[difference.file]}**: ${what}, by ${codeSpan(deployedBy)} (${codeSpan(deploymentId)}).`,
    ...changes(difference, limit),
  ].join('\n\n')
}

/** The parameters, from what was deployed to what the file has. */
function changes({ file, diff }: Difference, limit: number): string[] {
  if (file !== 'changed') return []
  const lines: string[] = []
  let [heading, chars, left] = ['', 0, 0]
  for (const each of changeEntries(readChanges(diff))) {
    chars += each.entry.length
    if (chars > limit) left += 1
    else lines.push(...(each.heading === heading ? [] : [each.heading]), each.entry)
    heading = each.heading
  }
  return [...lines, ...(left > 0 ? [`… and ${left} more.`] : [])]
}
