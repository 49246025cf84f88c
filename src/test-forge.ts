// Repositories in memory, for unit tests of agents: a forge that reads them, and their files.
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createPatch } from 'diff'
import type { Facts } from './events/facts.ts'
import type { Check } from './forges/checks.ts'
import type { Deployment, WrittenStatus } from './forges/deployments.ts'
import type { BranchCommit, Comment, PullRequest, ReadForge } from './forges/forge.ts'
import type { Issue } from './forges/issues.ts'
import type { ChangedFile, Review, ReviewThread } from './forges/reviews.ts'
import type { CommentTarget } from './forges/target.ts'
import { numberOf } from './forges/target.ts'
import { AppError, GiveUp } from './lib/error.ts'
import { blobId } from './lib/file-content.ts'
import type { Permission } from './lib/permission.ts'
import { plainRepositoryName } from './lib/repository.ts'
import type { CheckedOut, CheckoutOptions } from './workspaces/checkout.ts'
import type { Workspaces } from './workspaces/workspace.ts'

type Files = Readonly<Record<string, string>>

/** A repository in memory. Without `branches` the default branch, `main`, has the `files`. */
export type TestRepository = {
  defaultBranch?: string
  files?: Files
  /** The files of each branch, by name. */
  branches?: Readonly<Record<string, Files>>
  /** The commits of tags. */
  tags?: Readonly<Record<string, string>>
  /** What each branch has over the default branch, by name, oldest first. */
  commits?: Readonly<Record<string, readonly BranchCommit[]>>
  pullRequests?: readonly PullRequest[]
  issues?: readonly Issue[]
  /** By the number of the issue or pull request, or by the commit. */
  comments?: Readonly<Record<string, readonly Comment[]>>
  /** By the number of the pull request. */
  reviews?: Readonly<Record<number, readonly Review[]>>
  /** By the number of the pull request. */
  reviewThreads?: Readonly<Record<number, readonly ReviewThread[]>>
  /** By the commit. */
  checks?: Readonly<Record<string, readonly (Check & { name: string })[]>>
  /** Newest first. */
  deployments?: readonly (Deployment & { statuses?: readonly WrittenStatus[] })[]
  /** What accounts may do; the others have `none`. */
  permissions?: Readonly<Record<string, Permission>>
  /** The members of teams, such as `acme/core`. */
  teams?: Readonly<Record<string, readonly string[]>>
}

/** The repositories of a test, by name. */
export type TestRepositories = Readonly<Record<string, TestRepository>>

// Nobody pushes to a pull request while a test runs.
const NOT_SINCE = new Date(0)

/** The forge over them. */
export function testForge(repositories: TestRepositories): ReadForge {
  const find = (name: string) => testRepository(repositories, name)
  const pullOf = (name: string, number: number) => find(name).pullRequests?.find((each) => each.number === number)
  const filesOf = (name: string, ref: string) => filesAt(repositories, name, ref)?.files ?? {}
  return {
    defaultBranch: async (name) => branchesOf(find(name)).defaultBranch,
    async branchSha(name, branch) {
      const files = ownOf(branchesOf(find(name)).branches, branch)
      return files === undefined ? null : shaOf(name, branch, files)
    },
    tagSha: async (name, tag) => ownOf(find(name).tags ?? {}, tag) ?? null,
    // Nothing there is this program's.
    isOwn: async () => false,
    readFile: async (name, path, ref) => ownOf(filesOf(name, ref), path) ?? null,
    commitsBetween: async (name, _base, head) => {
      const branch = filesAt(repositories, name, head)?.branch ?? head
      return [...(ownOf(find(name).commits ?? {}, branch) ?? [])]
    },
    diff: async (name, base, head) => changesBetween(filesOf(name, base), filesOf(name, head)),
    issue: async (name, number) => find(name).issues?.find((each) => each.number === number) ?? null,
    comments: async (name, target, { since = NOT_SINCE } = {}) =>
      (ownOf(find(name).comments ?? {}, keyOf(target)) ?? []).filter(({ updatedAt }) => updatedAt >= since),
    async pullRequests(name, { head, state = 'open' }) {
      return (find(name).pullRequests ?? []).filter(
        (pull) => (head === undefined || pull.head === head) && (state === 'all' || pull.state === 'open'),
      )
    },
    async pullRequest(name, number) {
      const pull = pullOf(name, number)
      if (pull === undefined) throw new AppError('forge_failed', `There is no pull request ${number} in the test.`)
      return pull
    },
    async pullRequestHead(name, number) {
      const pull = pullOf(name, number)
      return pull === undefined ? null : { sha: pull.headSha, fromFork: pull.fromFork, pushedAt: NOT_SINCE }
    },
    reviews: async (name, number) => [...(find(name).reviews?.[number] ?? [])],
    reviewThreads: async (name, number) => [...(find(name).reviewThreads?.[number] ?? [])],
    checks: async (name, sha, called) =>
      (ownOf(find(name).checks ?? {}, sha) ?? []).filter((check) => check.name === called),
    deployments: async (name, { ref, environment }) =>
      (find(name).deployments ?? []).filter(
        (each) => each.environment === environment && (ref === undefined || each.ref === ref),
      ),
    deploymentStatuses: async (name, id) => [
      ...(find(name).deployments?.find((each) => each.id === id)?.statuses ?? []),
    ],
    permission: async (name, login) => ownOf(find(name).permissions ?? {}, login) ?? 'none',
    isTeamMember: async (name, team, login) => ownOf(find(name).teams ?? {}, team)?.includes(login) ?? false,
  }
}

/** Writes files of a repository in memory into a folder; there is no Git in it. */
export function testCheckout(repositories: TestRepositories, workspaces: Workspaces, facts: Facts) {
  return async ({ repository = facts.repository, ref }: CheckoutOptions = {}): Promise<CheckedOut> => {
    if (repository === undefined) throw new GiveUp('The event is about no repository; name one.')
    const isOwn = plainRepositoryName(repository) === plainRepositoryName(facts.repository ?? '')
    const { sha, branch } = isOwn ? facts : {}
    const own = [sha, branch ?? branchesOf(testRepository(repositories, repository)).defaultBranch]
    const wanted = (ref === undefined ? own : [ref]).filter((each) => each !== undefined)
    const found = wanted.map((each) => filesAt(repositories, repository, each)).find((each) => each !== undefined)
    if (found === undefined) throw new GiveUp(`There is no ${wanted[0]} in ${repository}.`)
    const folder = await workspaces.make()
    for (const [path, content] of Object.entries(found.files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    return { folder, sha: found.sha, objects: folder }
  }
}

/**
 * The repository of a test, however its name is written.
 * @throws AppError `forge_failed` when the test has none of that name.
 */
function testRepository(repositories: TestRepositories, name: string): TestRepository {
  const plain = plainRepositoryName(name)
  const found = Object.entries(repositories).find(([key]) => plainRepositoryName(key) === plain)?.[1]
  if (found === undefined) throw new AppError('forge_failed', `There is no repository ${name} in the test.`)
  return found
}

/** Its branches, with their files. */
function branchesOf({ defaultBranch = 'main', files = {}, branches }: TestRepository) {
  return { defaultBranch, branches: branches ?? { [defaultBranch]: files } }
}

/** The files of a branch, by its name, its commit, or what a pull request names as its head. */
function filesAt(repositories: TestRepositories, name: string, ref: string) {
  const found = testRepository(repositories, name)
  const head = found.pullRequests?.find(({ headSha }) => headSha === ref)?.head
  const commits = Object.entries(branchesOf(found).branches).map(([branch, files]) => ({
    branch,
    files,
    sha: shaOf(name, branch, files),
  }))
  return commits.find(({ branch, sha }) => branch === ref || sha === ref || branch === head)
}

/** The hunks, as a forge shows them: without the names of the file. */
function changesBetween(before: Files, after: Files): ChangedFile[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const changed = paths.filter((path) => before[path] !== after[path])
  return changed.map((path) => {
    const whole = createPatch(path, before[path] ?? '', after[path] ?? '', undefined, undefined, { context: 3 })
    const blob = blobId(after[path] ?? before[path] ?? '')
    return { path, previousPath: null, blob, patch: whole.slice(whole.indexOf('@@')).trimEnd() }
  })
}

function keyOf(target: CommentTarget): string {
  return 'commit' in target ? target.commit : String(numberOf(target))
}

function shaOf(name: string, branch: string, files: object): string {
  return createHash('sha1')
    .update(JSON.stringify([plainRepositoryName(name), branch, files]))
    .digest('hex')
}

function ownOf<Value>(values: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined
}
