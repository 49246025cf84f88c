// Paths that no agent writes unless its rule says so: what runs something, or grants rights, once
// it is merged or checked out.
import type { Matcher } from './glob.ts'
import { compileGlobs, PATH } from './glob.ts'
import { LOCK_FILES } from './lock-files.ts'

// Whatever the forge: a repository may have mirrors on others, and its checks anywhere.
const PROTECTED_PATHS = [
  // Workflows and actions run with the repository's secrets; Dependabot and others read it too.
  '.github/**',
  '.forgejo/**',
  '.gitea/**',
  '.gitlab/**',
  // Code owners decide who must approve.
  '**/CODEOWNERS',
  // Other services that run checks.
  '**/.gitlab-ci.{yml,yaml}',
  '.circleci/**',
  '.buildkite/**',
  '.azuredevops/**',
  '.azure-pipelines/**',
  '.semaphore/**',
  '.teamcity/**',
  '.tekton/**',
  '.woodpecker/**',
  '**/Jenkinsfile*',
  '**/azure-pipelines*.{yml,yaml}',
  '**/bitbucket-pipelines.yml',
  '**/appveyor.yml',
  '**/.appveyor.yml',
  '**/cloudbuild.{yml,yaml,json}',
  '**/buildspec.{yml,yaml}',
  '.cirrus.{yml,star}',
  '.drone.{yml,yaml,star,jsonnet}',
  '.travis.yml',
  '.woodpecker.{yml,yaml}',
  '.semaphore.yml',
  // Hooks, and editors that run something when a folder is opened.
  '**/.husky/**',
  '**/.githooks/**',
  '**/.hooks/**',
  '**/{,.}lefthook{,-local}.{yml,yaml,toml,json}',
  '**/.pre-commit-config.{yml,yaml}',
  '**/.pre-commit-hooks.{yml,yaml}',
  '**/.devcontainer/**',
  '**/.devcontainer.json',
  '**/.vscode/**',
  '**/.envrc',
  // What updates dependencies by itself.
  '**/renovate.{json,json5}',
  '**/.renovaterc{,.json,.json5}',
  // Submodules fetch other repositories; attributes run filters.
  '**/.gitmodules',
  '**/.gitattributes',
]

/** What a rule says of paths. */
type Protection = {
  /** Globs of more paths, and with `!` of paths that may be written. */
  protectedPaths?: readonly string[] | undefined
  protectLockFiles?: boolean | undefined
}

/** Whether a path is protected, as itself or as what would take a protected path's place. */
export function isProtectedBy({ protectedPaths = [], protectLockFiles = false }: Protection): Matcher {
  const isExclusion = (glob: string) => glob.startsWith('!') && !glob.startsWith('!(')
  const own = protectedPaths.filter((glob) => !isExclusion(glob))
  const excluded = protectedPaths.filter(isExclusion).map((glob) => glob.slice(1))
  const isProtected = compileGlobs([...PROTECTED_PATHS, ...(protectLockFiles ? LOCK_FILES : []), ...own], PATH)
  const isExcluded = compileGlobs(excluded, PATH)
  // A file below a protected one would take its place.
  return (path) => !isExcluded(path) && withParents(path).some(isProtected)
}

/** `a`, `a/b` and `a/b/c` of `a/b/c`. */
function withParents(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'))
}
