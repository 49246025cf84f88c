// What may be written at all, whoever asks for it.
import picomatch from 'picomatch'
import type { Output, PullRequestOutput } from './output.ts'

/** Limits on what outputs may do; the defaults stand where a part is absent. */
export type Policy = {
  /** Globs of `owner/name`. Default: any repository the token can write to. */
  repositories?: readonly string[]
  /** Beginnings of branch names. Default `agenta/` and `signalbox/`. */
  branchPrefixes?: readonly string[]
  /**
   * Globs of paths never written, case ignored. Default: whatever runs or grants rights on GitHub.
   */
  protectedPaths?: readonly string[]
  /** Default 100. */
  maxFiles?: number
}

/** The policy of a rule that states none. */
const DEFAULT_POLICY = {
  repositories: ['*/*'],
  branchPrefixes: ['agenta/', 'signalbox/'],
  protectedPaths: ['.github/**', '**/CODEOWNERS', '.gitmodules', '**/.gitattributes'],
  maxFiles: 100,
} as const satisfies Policy

/** Why the output may not be written, as a sentence; null when it may. */
export function refusal(output: Output, policy: Policy = {}): string | null {
  const limits = { ...DEFAULT_POLICY, ...policy }
  if (!picomatch.isMatch(output.repository, [...limits.repositories], { nocase: true })) {
    return `The repository ${output.repository} is not an allowed one.`
  }
  return output.kind === 'pull_request' ? pullRequestRefusal(output, limits) : null
}

function pullRequestRefusal(output: PullRequestOutput, limits: Required<Policy>): string | null {
  const { branch, files } = output
  if (!limits.branchPrefixes.some((prefix) => branch.startsWith(prefix))) {
    return `The branch ${branch} does not begin with ${limits.branchPrefixes.join(' or ')}.`
  }
  if (!isBranchName(branch)) return `${JSON.stringify(branch)} is not a branch name git accepts.`
  if (files.length === 0) return 'A pull request needs at least one file.'
  if (files.length > limits.maxFiles) return `${files.length} files are more than the ${limits.maxFiles} allowed.`
  const isProtected = picomatch([...limits.protectedPaths], { dot: true, nocase: true })
  for (const { path } of files) {
    if (!isPlainPath(path)) return `${JSON.stringify(path)} is not a path inside the repository.`
    if (isProtected(path)) return `The path ${path} is protected.`
  }
  return null
}

/** The rules of `git check-ref-format`, and GitHub's limit of 255 bytes for the whole reference. */
function isBranchName(branch: string): boolean {
  return (
    Buffer.byteLength(`refs/heads/${branch}`) <= 255 &&
    branch.isWellFormed() &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$/.test(branch) &&
    branch.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
  )
}

function isPlainPath(path: string): boolean {
  return (
    path.isWellFormed() &&
    Buffer.byteLength(path) <= 1024 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none belongs in a path
    !/[\u0000-\u001f\u007f\\]/.test(path) &&
    // What a file system that ignores case, dots or spaces at the end would take for `.git` counts
    // as it.
    path.split('/').every((part) => !/^(\.{0,2}|\.git[. ]*|git~1)$/i.test(part))
  )
}
