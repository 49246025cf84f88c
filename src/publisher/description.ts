// What a pull request says that holds several change sets: made anew of its branch each time, so
// that it does not matter who writes it last, and what a person made of it is not needed.
import type { Templates } from '../descriptions/combined.ts'
import { combinedTexts, readVersion } from '../descriptions/combined.ts'
import type { PullRequest, WriteForge } from '../forges/forge.ts'
import { FILES_REFERENCE } from '../lib/files-reference.ts'
import type { Marker } from '../lib/marker.ts'
import { decodeValue, readMarker, withMarker } from '../lib/marker.ts'
import { readCommit } from './commit-to-branch.ts'
import type { ChangeSet } from './pull-request-output.ts'

const MAX_ATTEMPTS = 5
// Each is a request.
const MAX_VERSIONS = 20

/**
 * Writes title and body of the open pull request of a branch, and in its marker the keys of all
 * change sets on it and this one's; null when it is not open any more. Who adds a commit describes
 * the pull request after that, so it is enough that no commit came between the reading and the
 * writing.
 */
export async function describePullRequest(
  forge: WriteForge,
  changeSet: ChangeSet,
  { head, own }: { head: string; own: Marker },
): Promise<PullRequest | null> {
  const { repository } = changeSet
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const tip = await forge.branchSha(repository, head)
    const [pull] = await forge.pullRequests(repository, { head, state: 'open' })
    if (pull === undefined || tip === null) return null
    const commits = await ownCommits(forge, changeSet, tip)
    const { title, body: text } = await textsOf(forge, changeSet, { pull, tip, commits })
    const marker = [...commits.map((commit) => ({ ...own, ...commit })), own].reduce(joinMarkers, readMarker(pull.body))
    const body = withMarker(text, marker ?? own, forge.maxBodyChars)
    const isThere = body === pull.body && title === pull.title
    const updated = isThere ? pull : await forge.updatePullRequest(repository, pull.number, { title, body })
    if (updated.state !== 'open') return null
    if ((await forge.branchSha(repository, head)) === tip) return updated
  }
  throw new Error(`The branch ${head} of ${repository} moves faster than it can be described.`)
}

/** What two markers say together. */
export function joinMarkers(old: Marker | null, { keys, series, order }: Marker): Marker {
  const orders = [old?.order, order].filter((each) => each !== undefined)
  return {
    keys: [...new Set([...(old?.keys ?? []), ...keys])],
    series,
    order: orders.length === 0 ? undefined : Math.max(...orders),
  }
}

type OwnCommit = { sha: string; keys: string[]; order?: number }

/** The commits of change sets that a branch has over its base, oldest first. */
async function ownCommits(forge: WriteForge, { repository, base }: ChangeSet, tip: string): Promise<OwnCommit[]> {
  const commits = await forge.commitsBetween(repository, base, tip)
  const read = await Promise.all(
    commits.map(async (commit) => ({ sha: commit.sha, ...(await readCommit(forge, repository, commit)) })),
  )
  return read.flatMap(({ sha, isOurs, key, order }) =>
    isOurs && key !== undefined ? [{ sha, keys: [decodeValue(key)], ...(order === undefined ? {} : { order }) }] : [],
  )
}

type Found = { pull: PullRequest; tip: string; commits: readonly OwnCommit[] }

async function textsOf(
  forge: WriteForge,
  changeSet: ChangeSet,
  found: Found,
): Promise<{ title: string; body: string }> {
  const { combined, key } = changeSet
  const { pull, tip, commits } = found
  const texts = combined && commits.length > 1 ? await combinedOf(forge, changeSet, { ...found, combined }) : null
  if (texts !== null) return { ...texts, body: withFilesUrl(forge, changeSet, { text: texts.body, sha: tip }) }
  const isNewest = commits.at(-1)?.keys.includes(key) ?? false
  if (!isNewest) return pull
  return { title: changeSet.title, body: withFilesUrl(forge, changeSet, { text: changeSet.body, sha: tip }) }
}

async function combinedOf(
  forge: WriteForge,
  { repository, base }: ChangeSet,
  { commits, combined }: Found & { combined: Templates },
): Promise<{ title: string; body: string } | null> {
  const shown = commits.slice(-MAX_VERSIONS)
  const read = async (ref: string) => readVersion(await forge.readFile(repository, combined.file, ref))
  const versions = await Promise.all(shown.map(({ sha }) => read(sha)))
  return combinedTexts(combined, { base: await read(base), versions, earlier: commits.length - shown.length })
}

/** The text with the address of the files at a commit in place of what stands for it. */
export function withFilesUrl(
  forge: WriteForge,
  { repository }: ChangeSet,
  { text, sha }: { text: string; sha: string },
): string {
  return text.replaceAll(FILES_REFERENCE, () => forge.filesUrl(repository, sha))
}
