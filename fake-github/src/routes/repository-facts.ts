// What GitHub finds out about a repository by looking into it: tags, languages, contributors.
import { extname } from 'node:path'
import { z } from 'zod'
import { emit } from '../events.ts'
import { git, listRefs, readRef, resolveCommit } from '../git.ts'
import { readCommit } from '../git-commits.ts'
import { readObject, typeOfMode, walkTree } from '../git-objects.ts'
import { unprocessable } from '../github-error.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, page, read, readBody } from '../route.ts'
import { accountByEmail, accountShape } from '../shapes/accounts.ts'
import { nodeId } from '../shapes/node-id.ts'
import { repositoryUrl } from '../shapes/repositories.ts'
import type { Repository } from '../state.ts'

const LANGUAGES: Record<string, string> = {
  '.c': 'C',
  '.cpp': 'C++',
  '.cs': 'C#',
  '.css': 'CSS',
  '.go': 'Go',
  '.html': 'HTML',
  '.java': 'Java',
  '.js': 'JavaScript',
  '.mjs': 'JavaScript',
  '.kt': 'Kotlin',
  '.php': 'PHP',
  '.py': 'Python',
  '.rb': 'Ruby',
  '.rs': 'Rust',
  '.sh': 'Shell',
  '.swift': 'Swift',
  '.ts': 'TypeScript',
  '.tsx': 'TypeScript',
}

/** https://docs.github.com/en/rest/repos/repos */
export const repositoryFactRoutes = [
  read('/repos/{owner}/{repo}/tags', 'contents:read', async (call) => {
    const tags = [...(await listRefs(call.repo.dir, 'refs/tags/')).keys()].map((ref) => ref.slice('refs/tags/'.length))
    const newest = tags.toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    return page(call, newest, (tag) => tagShape(call, tag))
  }),

  read('/repos/{owner}/{repo}/topics', 'metadata:read', ({ repo }) => json({ names: repo.topics })),

  change('PUT', '/repos/{owner}/{repo}/topics', { need: 'administration:write', role: 'maintain' }, setTopics),

  read('/repos/{owner}/{repo}/languages', 'metadata:read', async ({ repo }) => json(await bytesByLanguage(repo))),

  read('/repos/{owner}/{repo}/contributors', 'metadata:read', async (call) => {
    const { hub, repo, query } = call
    if (!(await readRef(repo.dir, `refs/heads/${repo.defaultBranch}`))) return noContent()
    const withAnonymous = ['1', 'true'].includes(query.get('anon') ?? '')
    const people = (await commitsByAuthor(repo)).map(({ email, name, commits }) => {
      const account = accountByEmail(hub, email)
      const who = account ? accountShape(hub, account) : { type: 'Anonymous', email, name }
      return { ...who, contributions: commits }
    })
    return page(
      call,
      people.filter(({ type }) => withAnonymous || type !== 'Anonymous'),
      (person) => person,
    )
  }),
]

async function tagShape({ hub, repo }: RepositoryCall, name: string) {
  const api = repositoryUrl(hub, repo)
  const sha = await resolveCommit(repo.dir, `refs/tags/${name}`)
  return {
    name,
    zipball_url: `${api}/zipball/refs/tags/${name}`,
    tarball_url: `${api}/tarball/refs/tags/${name}`,
    commit: { sha, url: `${api}/commits/${sha}` },
    node_id: nodeId('Ref', `${repo.id}:refs/tags/${name}`),
  }
}

function setTopics(call: ChangeCall) {
  const { repo } = call
  const { names } = readBody(call, 'Repository', z.object({ names: z.array(z.string()).max(20) }))
  const wrong = names.find((name) => !/^[a-z0-9][a-z0-9-]{0,49}$/i.test(name))
  if (wrong !== undefined) {
    throw unprocessable(
      `Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.`,
    )
  }
  const from = repo.topics
  repo.topics = [...new Set(names.map((name) => name.toLowerCase()))]
  emit(call, 'repository', { action: 'edited', changes: { topics: { from } } })
  return json({ names: repo.topics })
}

async function bytesByLanguage(repo: Repository): Promise<Record<string, number>> {
  const bytes = new Map<string, number>()
  const head = await readRef(repo.dir, `refs/heads/${repo.defaultBranch}`)
  const tree = head && (await readCommit(repo.dir, head))?.tree
  for (const { name, mode, sha } of tree ? await walkTree(repo.dir, tree) : []) {
    const language = LANGUAGES[extname(name).toLowerCase()]
    if (!language || typeOfMode(mode) !== 'blob') continue
    const size = (await readObject(repo.dir, sha))?.data.length ?? 0
    bytes.set(language, (bytes.get(language) ?? 0) + size)
  }
  return Object.fromEntries([...bytes].sort(([, a], [, b]) => b - a))
}

/** Who wrote the default branch, most commits first. */
async function commitsByAuthor(repo: Repository) {
  const log = await git(repo.dir, ['log', '--format=%ae%x00%an', `refs/heads/${repo.defaultBranch}`])
  const authors = new Map<string, { email: string; name: string; commits: number }>()
  for (const line of log.split('\n').filter(Boolean)) {
    const [email = '', name = ''] = line.split('\0')
    const author = authors.get(email) ?? { email, name, commits: 0 }
    author.commits++
    authors.set(email, author)
  }
  return [...authors.values()].sort((a, b) => b.commits - a.commits)
}
