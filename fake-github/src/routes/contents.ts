// Files by path.
import { z } from 'zod'
import { readRef, resolveCommit } from '../git.ts'
import { readCommit, writeCommit } from '../git-commits.ts'
import type { TreeEntry } from '../git-objects.ts'
import { editTree, findInTree, readObject, readTree, typeOfMode, writeObject } from '../git-objects.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import { setRef } from '../ref-changes.ts'
import type { ChangeCall, Reply, RepositoryCall } from '../route.ts'
import { change, json, read, readBody } from '../route.ts'
import { encodePath, gitCommitShape } from '../shapes/git.ts'
import { repositoryPage, repositoryUrl } from '../shapes/repositories.ts'
import { signatureOf, signatureSchema } from '../signatures.ts'
import { base64Lines } from './git-data.ts'

const common = {
  message: z.string(),
  branch: z.string().optional(),
  author: signatureSchema.optional(),
  committer: signatureSchema.optional(),
}
const putBody = z.object({ ...common, content: z.string(), sha: z.string().nullish() })
const deleteBody = z.object({ ...common, sha: z.string() })

/** https://docs.github.com/en/rest/repos/contents */
export const contentRoutes = [
  read('/repos/{owner}/{repo}/contents/{path}', 'contents:read', (call) => getContents(call, call.params.path ?? '')),

  read('/repos/{owner}/{repo}/readme', 'contents:read', async (call) => {
    const path = await findReadme(call)
    if (path === null) throw notFound()
    return getContents(call, path)
  }),

  change('PUT', '/repos/{owner}/{repo}/contents/{path}', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Content', putBody)
    if (/[^A-Za-z0-9+/=\s]/.test(body.content)) throw unprocessable('content is not valid Base64')
    const before = await currentFile(call, body.branch)
    if (before.entry && !body.sha) throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    checkSha(call, before.entry, body.sha ?? null)
    const sha = await writeObject(call.repo.dir, 'blob', Buffer.from(body.content, 'base64'))
    const entry = { mode: before.entry?.mode ?? '100644', sha }
    const commit = await commitEdit(call, before, body, entry)
    const path = call.params.path ?? ''
    const content = await entryShape(call, { ...entry, name: path }, before.branch)
    return json({ content, commit }, before.entry ? 200 : 201)
  }),

  change('DELETE', '/repos/{owner}/{repo}/contents/{path}', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Content', deleteBody)
    const before = await currentFile(call, body.branch)
    if (!before.entry) throw notFound()
    checkSha(call, before.entry, body.sha)
    return json({ content: null, commit: await commitEdit(call, before, body, null) })
  }),
]

type Before = {
  branch: string
  head: string | null
  tree: string | null
  entry: TreeEntry | null
}

async function currentFile({ repo, params }: ChangeCall, branch = repo.defaultBranch): Promise<Before> {
  const head = await readRef(repo.dir, `refs/heads/${branch}`)
  // The first file of an empty repository makes the default branch.
  if (!head && branch !== repo.defaultBranch) throw new GithubError(404, `Branch ${branch} not found`)
  const tree = head === null ? null : ((await readCommit(repo.dir, head))?.tree ?? null)
  return { branch, head, tree, entry: tree === null ? null : await findInTree(repo.dir, tree, params.path ?? '') }
}

function checkSha({ params }: ChangeCall, entry: TreeEntry | null, sha: string | null): void {
  if ((entry?.sha ?? null) !== sha) throw new GithubError(409, `${params.path} does not match ${sha}`)
}

async function commitEdit(
  call: ChangeCall,
  before: Before,
  body: Pick<z.infer<typeof putBody>, 'message' | 'author' | 'committer'>,
  edit: { mode: string; sha: string } | null,
) {
  const { hub, repo, account, params } = call
  const tree = await editTree(repo.dir, before.tree, new Map([[params.path ?? '', edit]]))
  const author = signatureOf(hub, account, body.author ?? body.committer)
  const committer = signatureOf(hub, account, body.committer ?? body.author)
  const parents = before.head ? [before.head] : []
  const sha = await writeCommit(repo.dir, { tree, parents, author, committer, message: body.message })
  await setRef(call, `refs/heads/${before.branch}`, sha)
  const commit = await readCommit(repo.dir, sha)
  return commit && gitCommitShape(hub, repo, commit)
}

/** GitHub looks in these folders, in this order. */
async function findReadme(call: RepositoryCall): Promise<string | null> {
  const { tree } = await treeAt(call)
  for (const folder of ['.github/', '', 'docs/']) {
    const inside = await findInTree(call.repo.dir, tree, folder)
    const entries = (inside && (await readTree(call.repo.dir, inside.sha))) ?? []
    const found = entries.find(({ name, mode }) => /^readme(\.\w+)?$/i.test(name) && typeOfMode(mode) === 'blob')
    if (found) return folder + found.name
  }
  return null
}

async function treeAt({ repo, query }: RepositoryCall): Promise<{ ref: string; tree: string }> {
  const ref = query.get('ref') ?? repo.defaultBranch
  const sha = await resolveCommit(repo.dir, ref)
  if (!sha) throw new GithubError(404, query.has('ref') ? `No commit found for the ref ${ref}` : 'Not Found')
  return { ref, tree: (await readCommit(repo.dir, sha))?.tree ?? '' }
}

async function getContents(call: RepositoryCall, path: string): Promise<Reply> {
  const { repo, accept } = call
  const { ref, tree } = await treeAt(call)
  const entry = await findInTree(repo.dir, tree, path)
  if (!entry) throw notFound()
  if (typeOfMode(entry.mode) === 'tree') {
    const entries = (await readTree(repo.dir, entry.sha)) ?? []
    const prefix = path === '' ? '' : `${path.replace(/\/$/, '')}/`
    const list = entries.map((each) => entryShape(call, { ...each, name: prefix + each.name }, ref))
    return json(await Promise.all(list))
  }
  const data = (await readObject(repo.dir, entry.sha))?.data ?? Buffer.alloc(0)
  if (accept.includes('raw')) return { status: 200, body: data.toString() }
  const shape = await entryShape(call, { ...entry, name: path }, ref)
  return json({ ...shape, content: base64Lines(data), encoding: 'base64' })
}

async function entryShape({ hub, repo }: RepositoryCall, entry: TreeEntry, ref: string) {
  const type = { blob: 'file', tree: 'dir', commit: 'submodule' }[typeOfMode(entry.mode)]
  const size = type === 'file' ? ((await readObject(repo.dir, entry.sha))?.data.length ?? 0) : 0
  const api = repositoryUrl(hub, repo)
  const url = `${api}/contents/${encodePath(entry.name)}?ref=${encodeURIComponent(ref)}`
  const git = `${api}/git/${type === 'dir' ? 'trees' : 'blobs'}/${entry.sha}`
  const page = repositoryPage(hub, repo)
  const html = `${page}/${type === 'dir' ? 'tree' : 'blob'}/${encodePath(ref)}/${encodePath(entry.name)}`
  return {
    name: entry.name.slice(entry.name.lastIndexOf('/') + 1),
    path: entry.name,
    sha: entry.sha,
    size,
    url,
    html_url: html,
    git_url: git,
    download_url: type === 'file' ? `${page}/raw/${encodePath(ref)}/${encodePath(entry.name)}` : null,
    type,
    _links: { self: url, git, html },
  }
}
