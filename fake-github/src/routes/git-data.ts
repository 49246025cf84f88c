// Blobs, trees, commits and tag objects.
import { z } from 'zod'
import { resolveCommit } from '../git.ts'
import { readCommit, writeCommit } from '../git-commits.ts'
import type { TreeEdits } from '../git-objects.ts'
import { editTree, findInTree, readObject, readTree, typeOfMode, walkTree, writeObject } from '../git-objects.ts'
import { notFound, unprocessable, validationFailed } from '../github-error.ts'
import type { RepositoryCall } from '../route.ts'
import { change, json, read, readBody } from '../route.ts'
import { gitCommitShape, treeEntryShape } from '../shapes/git.ts'
import { nodeId } from '../shapes/node-id.ts'
import { repositoryUrl } from '../shapes/repositories.ts'
import { signatureOf, signatureSchema } from '../signatures.ts'
import type { Repository } from '../state.ts'

const MODES = ['100644', '100755', '040000', '160000', '120000'] as const
const treeBody = z.object({
  base_tree: z.string().nullish(),
  tree: z.array(
    z.object({
      path: z.string(),
      mode: z.enum(MODES),
      type: z.enum(['blob', 'tree', 'commit']).optional(),
      sha: z.string().nullish(),
      content: z.string().optional(),
    }),
  ),
})
const commitBody = z.object({
  message: z.string(),
  tree: z.string(),
  parents: z.array(z.string()).default([]),
  author: signatureSchema.optional(),
  committer: signatureSchema.optional(),
  signature: z.string().optional(),
})
const blobBody = z.object({ content: z.string(), encoding: z.enum(['utf-8', 'base64']).default('utf-8') })

/** https://docs.github.com/en/rest/git */
export const gitDataRoutes = [
  change('POST', '/repos/{owner}/{repo}/git/blobs', { need: 'contents:write' }, async (call) => {
    const { content, encoding } = readBody(call, 'Blob', blobBody)
    const sha = await writeObject(call.repo.dir, 'blob', Buffer.from(content, encoding))
    const url = `${repositoryUrl(call.hub, call.repo)}/git/blobs/${sha}`
    return json({ url, sha }, 201, { location: url })
  }),

  read('/repos/{owner}/{repo}/git/blobs/{file_sha}', 'contents:read', async ({ hub, repo, params, accept }) => {
    const sha = params.file_sha ?? ''
    const object = await readObject(repo.dir, sha)
    if (object?.type !== 'blob') throw notFound()
    if (accept.includes('raw')) return { status: 200, body: object.data.toString() }
    return json({
      sha,
      node_id: nodeId('Blob', sha),
      size: object.data.length,
      url: `${repositoryUrl(hub, repo)}/git/blobs/${sha}`,
      content: base64Lines(object.data),
      encoding: 'base64',
    })
  }),

  change('POST', '/repos/{owner}/{repo}/git/trees', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Tree', treeBody)
    const { dir } = call.repo
    const base = body.base_tree ? await treeOf(dir, body.base_tree) : null
    if (body.base_tree && !base) throw unprocessable('base_tree is not a valid tree oid')
    const edits: TreeEdits = new Map()
    for (const entry of body.tree) {
      const path = checkPath(entry.path)
      const isGone = entry.sha === null && (base === null || (await findInTree(dir, base, path)) === null)
      if (isGone) throw unprocessable('GitRPC::BadObjectState')
      edits.set(path, await treeEdit(dir, entry))
    }
    return json(await showTree(call, await editTree(dir, base, edits), false), 201)
  }),

  read('/repos/{owner}/{repo}/git/trees/{tree_sha}', 'contents:read', async (call) => {
    const tree = await treeOf(call.repo.dir, call.params.tree_sha ?? '')
    if (!tree) throw notFound()
    return json(await showTree(call, tree, call.query.has('recursive')))
  }),

  change('POST', '/repos/{owner}/{repo}/git/commits', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Commit', commitBody)
    const { hub, repo } = call
    if (!(await readTree(repo.dir, body.tree))) throw unprocessable('Tree SHA does not exist')
    for (const parent of body.parents) {
      if (!(await readCommit(repo.dir, parent)))
        throw unprocessable(`Parent SHA does not exist or is not a commit object`)
    }
    const author = signatureOf(hub, call.account, body.author)
    const committer = body.committer ? signatureOf(hub, call.account, body.committer) : author
    const sha = await writeCommit(repo.dir, { ...body, author, committer })
    return json(await showCommit(call, sha), 201)
  }),

  read('/repos/{owner}/{repo}/git/commits/{commit_sha}', 'contents:read', async (call) =>
    json(await showCommit(call, call.params.commit_sha ?? '')),
  ),
]

async function showCommit({ hub, repo }: RepositoryCall, sha: string) {
  const commit = await readCommit(repo.dir, sha)
  if (!commit) throw notFound()
  return gitCommitShape(hub, repo, commit)
}

/** A tree by its own id, by a commit or by a branch name. */
async function treeOf(dir: string, name: string): Promise<string | null> {
  if (await readTree(dir, name)) return name
  const commit = await resolveCommit(dir, name)
  return commit && ((await readCommit(dir, commit))?.tree ?? null)
}

function checkPath(path: string): string {
  const bad = path.split('/').some((part) => part === '' || part === '.' || part === '..' || part === '.git')
  if (bad) throw unprocessable('tree.path contains a malformed path component')
  return path
}

async function treeEdit(dir: string, entry: z.infer<typeof treeBody>['tree'][number]) {
  if (entry.content !== undefined && entry.sha) {
    throw validationFailed({ resource: 'Tree', field: 'tree', code: 'invalid' })
  }
  if (entry.content !== undefined) {
    return { mode: entry.mode, sha: await writeObject(dir, 'blob', entry.content) }
  }
  if (entry.sha === null) return null
  const object = entry.sha === undefined ? null : await readObject(dir, entry.sha)
  if (entry.sha === undefined) throw unprocessable('Must supply either tree.sha or tree.content')
  const type = typeOfMode(entry.mode)
  if (type !== 'commit' && object?.type !== type) throw unprocessable('tree.sha does not exist or is of another type')
  return { mode: entry.mode, sha: entry.sha }
}

async function showTree({ hub, repo }: RepositoryCall, sha: string, recursive: boolean) {
  const entries = recursive ? await walkTree(repo.dir, sha) : ((await readTree(repo.dir, sha)) ?? [])
  const tree = await Promise.all(
    entries.map(async (entry) => treeEntryShape(hub, repo, entry, await blobSize(repo, entry.mode, entry.sha))),
  )
  return { sha, url: `${repositoryUrl(hub, repo)}/git/trees/${sha}`, tree, truncated: false }
}

async function blobSize(repo: Repository, mode: string, sha: string): Promise<number | null> {
  return typeOfMode(mode) === 'blob' ? ((await readObject(repo.dir, sha))?.data.length ?? null) : null
}

/** Base64 in lines of sixty, each ended by a newline, as GitHub sends it. */
export function base64Lines(data: Buffer): string {
  return data.toString('base64').replace(/.{1,60}/g, '$&\n')
}
