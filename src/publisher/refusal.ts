// The one decision about what may be written: pure, so that it is the same before outputs are
// stored and before each is written.
import { deploymentOfBranch, deploymentOfKey } from '../lib/deployment-key.ts'
import { GiveUp } from '../lib/error.ts'
import { contentSize } from '../lib/file-content.ts'
import { isBranchName, isPlainPath } from '../lib/git-names.ts'
import { compileGlobs, LOGIN, NAME, REF } from '../lib/glob.ts'
import { thingOf } from '../lib/output-thing.ts'
import { isProtectedBy } from '../lib/protected-paths.ts'
import { isRepositoryIn } from '../lib/repository-globs.ts'
import type { Output } from './output.ts'
import type { FileChange } from './output-fields.ts'
import type { OutputLimits, Policy } from './policy.ts'
import { DEFAULT_MAX, DEFAULT_OUTPUTS } from './policy.ts'

const DEFAULT_BRANCH_PREFIXES = ['agenta/', 'signalbox/']
const DEFAULT_BRANCHES = ['agenta/**', 'signalbox/**']
const DEFAULT_REVIEW_EVENTS = ['COMMENT']
const DEFAULT_MAX_FILES = 100
const DEFAULT_MAX_LINES = 50_000
const DEFAULT_MAX_BYTES = 10_000_000

type LimitsOf<Kind extends keyof OutputLimits> = NonNullable<OutputLimits[Kind]>
type FileLimits = LimitsOf<'commit'>
type Kind<Name extends Output['kind']> = Extract<Output, { kind: Name }>

/**
 * Checks all outputs of one run, their number too, which is with those that the job has written
 * `earlier`; several about the same thing, which they update, count once.
 * @throws GiveUp naming the output, the field of its rule that refuses it, and the remedy.
 */
export function requireAllowed(outputs: readonly Output[], policy: Policy, earlier: readonly Output[] = []): void {
  const counts = countEarlier(earlier, outputs)
  for (const [index, output] of outputs.entries()) {
    const { kind } = output
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const most = limitsOf(policy)[kind]?.max ?? DEFAULT_MAX[kind]
    const tooMany =
      count > most
        ? `A job may have ${most} ${most === 1 ? 'output' : 'outputs'} of this kind${can(`${kind}.max`)}`
        : null
    const reason = refusal(output, policy) ?? tooMany
    if (reason !== null) throw new GiveUp(`Refused by policy: outputs.${index} (${kind}): ${reason}`)
  }
}

/** How many things of each kind there are that these outputs do not update. */
function countEarlier(earlier: readonly Output[], outputs: readonly Output[]): Map<string, number> {
  const counts = new Map<string, number>()
  const updated = new Set(outputs.map(thingOf))
  for (const one of earlier) {
    const thing = thingOf(one)
    if (thing === null || !updated.has(thing)) counts.set(one.kind, (counts.get(one.kind) ?? 0) + 1)
    updated.add(thing)
  }
  return counts
}

/** Why one output may not be written, as a sentence with the remedy; null when it may. */
export function refusal(output: Output, policy: Policy): string | null {
  if (!isRepositoryIn(policy.repositories, output.repository)) return repositoryRefusal(output, policy)
  const limits = limitsOf(policy)
  if (limits[output.kind] === undefined) {
    return `The rule's outputs have no ${output.kind}; \`outputs: { ${output.kind}: {} }\` allows it.`
  }
  return (policy.isOfForge === true ? deploymentRefusal(output) : null) ?? kindRefusal(output, limits)
}

/** Texts of anybody must not change what is kept of a deployment, or take its pull request over. */
function deploymentRefusal(output: Output): string | null {
  if (output.kind !== 'pull_request') return null
  const { key, branch, series = '' } = output
  const name = [
    deploymentOfKey(key) && key,
    deploymentOfBranch(branch) && branch,
    series.startsWith('deploy:') && series,
  ]
  const taken = name.find((each) => typeof each === 'string')
  return taken === undefined
    ? null
    : `${taken} is of a deployment, and only the job of a deployment may write for it; use another name.`
}

function limitsOf({ outputs }: Policy): OutputLimits {
  return outputs ?? DEFAULT_OUTPUTS
}

function can(field: string): string {
  return `; the rule's outputs.${field} can allow more.`
}

function repositoryRefusal({ repository }: Output, { repositories }: Policy): string {
  const those = repositories.length === 0 ? 'none is' : `only ${repositories.join(', ')}`
  return `The repository ${repository} is not one that the rule may write to (${those}); its \`repositories\` can name it.`
}

function kindRefusal(output: Output, limits: OutputLimits): string | null {
  switch (output.kind) {
    case 'pull_request':
      return pullRequestRefusal(output, limits.pull_request ?? {})
    case 'commit':
      return commitRefusal(output, limits.commit ?? {})
    case 'labels':
      return namesRefusal([...(output.labels ?? []), ...(output.remove ?? [])], 'labels.allow', limits.labels?.allow)
    case 'issue':
      return namesRefusal(output.labels ?? [], 'issue.labels', limits.issue?.labels)
    case 'review':
      return reviewRefusal(output, limits.review ?? {})
    case 'deployment_status':
      return environmentRefusal(output, limits.deployment_status ?? {})
    default:
      return null
  }
}

function pullRequestRefusal(output: Kind<'pull_request'>, limits: LimitsOf<'pull_request'>): string | null {
  const { branch, base, draft, autoMerge, labels = [] } = output
  const prefixes = limits.branchPrefixes ?? DEFAULT_BRANCH_PREFIXES
  if (!prefixes.some((prefix) => branch.startsWith(prefix))) {
    return `The branch ${branch} does not begin with ${prefixes.join(' or ')}${can('pull_request.branchPrefixes')}`
  }
  if (limits.base !== undefined && !(base !== undefined && compileGlobs(limits.base, REF)(base))) {
    const given = base === undefined ? 'The base branch is not named' : `The base branch ${base} is not allowed`
    return `${given}: it must be one of ${limits.base.join(', ')}${can('pull_request.base')}`
  }
  if (limits.draft === true && draft !== true) {
    return "It must be a draft (`draft: true`), unless the rule's outputs.pull_request.draft is left out."
  }
  if (autoMerge !== undefined && limits.autoMerge !== true) {
    return `It must not merge by itself (\`autoMerge\`)${can('pull_request.autoMerge')}`
  }
  return (
    branchNameRefusal(branch) ??
    namesRefusal(labels, 'pull_request.labels', limits.labels) ??
    filesRefusal(output, 'pull_request', limits)
  )
}

function commitRefusal(output: Kind<'commit'>, limits: LimitsOf<'commit'>): string | null {
  const branches = limits.branches ?? DEFAULT_BRANCHES
  if (!compileGlobs(branches, REF)(output.branch)) {
    return `The branch ${output.branch} is not one of ${branches.join(', ')}${can('commit.branches')}`
  }
  return branchNameRefusal(output.branch) ?? filesRefusal(output, 'commit', limits)
}

function branchNameRefusal(branch: string): string | null {
  return isBranchName(branch) ? null : `${JSON.stringify(branch)} is not a branch name git accepts.`
}

function namesRefusal(names: readonly string[], field: string, allowed: readonly string[] | undefined): string | null {
  if (allowed === undefined) return null
  const isAllowed = compileGlobs(allowed, LOGIN)
  const refused = names.find((name) => !isAllowed(name))
  return refused === undefined ? null : `The label ${JSON.stringify(refused)} is not allowed${can(field)}`
}

function reviewRefusal({ event = 'COMMENT' }: Kind<'review'>, limits: LimitsOf<'review'>): string | null {
  const events: readonly string[] = limits.events ?? DEFAULT_REVIEW_EVENTS
  return events.includes(event) ? null : `A review may not ${event}${can('review.events')}`
}

function environmentRefusal(
  { target }: Kind<'deployment_status'>,
  { environments }: LimitsOf<'deployment_status'>,
): string | null {
  if (environments === undefined) return null
  if (!('environment' in target)) {
    return "The deployment's environment is not known; name its ref and environment as the target, or leave the rule's outputs.deployment_status.environments out."
  }
  return compileGlobs(environments, NAME)(target.environment)
    ? null
    : `The environment ${target.environment} is not allowed${can('deployment_status.environments')}`
}

function filesRefusal(
  { changes }: { changes: readonly FileChange[] },
  kind: 'pull_request' | 'commit',
  limits: FileLimits,
): string | null {
  const isProtected = isProtectedBy(limits)
  const seen = new Set<string>()
  for (const { path } of changes) {
    if (!isPlainPath(path)) return `${JSON.stringify(path)} is not a path inside the repository.`
    if (isProtected(path)) {
      return `The path ${path} is protected; the rule's outputs.${kind}.protectedPaths can allow it with "!${path}".`
    }
    if (seen.has(path)) return `The path ${path} is changed twice.`
    seen.add(path)
  }
  return sizeRefusal(changes, kind, limits)
}

function sizeRefusal(changes: readonly FileChange[], kind: string, limits: FileLimits): string | null {
  const { maxFiles = DEFAULT_MAX_FILES, maxLines = DEFAULT_MAX_LINES, maxBytes = DEFAULT_MAX_BYTES } = limits
  let [lines, bytes] = [0, 0]
  for (const change of changes) {
    if ('deleted' in change) continue
    const { content } = change
    lines += typeof content === 'string' ? linesIn(content) : 0
    bytes += contentSize(content)
  }
  const over = (count: number, most: number, what: string, field: string) =>
    count > most ? `${count} ${what} are more than the ${most} allowed${can(`${kind}.${field}`)}` : null
  return (
    over(changes.length, maxFiles, 'files', 'maxFiles') ??
    over(lines, maxLines, 'lines', 'maxLines') ??
    over(bytes, maxBytes, 'bytes', 'maxBytes')
  )
}

function linesIn(text: string): number {
  let lines = text === '' || text.endsWith('\n') ? 0 : 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
