// Branches and tags as refs.
import { z } from 'zod'
import { listRefs, readRef, tryGit } from '../git.ts'
import { isAncestor } from '../git-history.ts'
import { readObject } from '../git-objects.ts'
import { GithubError, notFound, unprocessable } from '../github-error.ts'
import { setRef } from '../ref-changes.ts'
import type { Reply, RepositoryCall } from '../route.ts'
import { change, json, noContent, page, read, readBody } from '../route.ts'
import { refShape } from '../shapes/git.ts'

const sha = z.string().min(1)

/** https://docs.github.com/en/rest/git/refs */
export const refRoutes = [
  read('/repos/{owner}/{repo}/git/ref/{ref}', 'contents:read', async (call) => {
    const ref = `refs/${call.params.ref}`
    const at = await readRef(call.repo.dir, ref)
    if (!at) throw notFound()
    return json(await show(call, ref, at))
  }),

  read('/repos/{owner}/{repo}/git/matching-refs/{ref}', 'contents:read', async (call) =>
    pageRefs(call, await matching(call, `refs/${call.params.ref}`)),
  ),

  // GitHub no longer describes these two, but answers them to older clients.
  read('/repos/{owner}/{repo}/git/refs', 'contents:read', async (call) => {
    const refs = await matching(call, 'refs/')
    if (refs.length === 0) throw new GithubError(409, 'Git Repository is empty.')
    return pageRefs(call, refs)
  }),

  read('/repos/{owner}/{repo}/git/refs/{ref}', 'contents:read', async (call) => {
    const ref = `refs/${call.params.ref}`
    const at = await readRef(call.repo.dir, ref)
    if (at) return json(await show(call, ref, at))
    const refs = await matching(call, ref)
    if (refs.length === 0) throw notFound()
    return pageRefs(call, refs)
  }),

  change('POST', '/repos/{owner}/{repo}/git/refs', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Reference', z.object({ ref: z.string(), sha }))
    const { dir } = call.repo
    if (!/^refs\/[^/]+\/./.test(body.ref)) {
      throw unprocessable("Reference name must start with 'refs/' and contain at least two slashes")
    }
    if ((await tryGit(dir, ['check-ref-format', body.ref])).code !== 0) {
      throw unprocessable(`${body.ref} is not a valid ref name.`)
    }
    if (await readRef(dir, body.ref)) throw unprocessable('Reference already exists')
    await checkTarget(call, body.ref, body.sha)
    await setRef(call, body.ref, body.sha)
    const shape = await show(call, body.ref, body.sha)
    return json(shape, 201, { location: shape.url })
  }),

  change('PATCH', '/repos/{owner}/{repo}/git/refs/{ref}', { need: 'contents:write' }, async (call) => {
    const body = readBody(call, 'Reference', z.object({ sha, force: z.boolean().default(false) }))
    const ref = `refs/${call.params.ref}`
    const before = await readRef(call.repo.dir, ref)
    if (!before) throw unprocessable('Reference does not exist')
    await checkTarget(call, ref, body.sha)
    if (!body.force && !(await isAncestor(call.repo.dir, before, body.sha))) {
      throw unprocessable('Update is not a fast forward')
    }
    await setRef(call, ref, body.sha)
    return json(await show(call, ref, body.sha))
  }),

  change('DELETE', '/repos/{owner}/{repo}/git/refs/{ref}', { need: 'contents:write' }, async (call) => {
    const { repo } = call
    const ref = `refs/${call.params.ref}`
    if (!(await readRef(repo.dir, ref))) throw unprocessable('Reference does not exist')
    if (ref === `refs/heads/${repo.defaultBranch}`) throw unprocessable('Cannot delete the default branch')
    await setRef(call, ref, null)
    return noContent()
  }),
]

async function show({ hub, repo }: RepositoryCall, ref: string, sha: string) {
  const type = (await readObject(repo.dir, sha))?.type ?? 'commit'
  return refShape(hub, repo, { ref, sha, type })
}

async function matching({ repo }: RepositoryCall, prefix: string): Promise<[string, string][]> {
  return [...(await listRefs(repo.dir))].filter(([name]) => name.startsWith(prefix))
}

function pageRefs(call: RepositoryCall, refs: [string, string][]): Promise<Reply> {
  return page(call, refs, ([name, at]) => show(call, name, at))
}

async function checkTarget({ repo }: RepositoryCall, ref: string, target: string): Promise<void> {
  const object = await readObject(repo.dir, target)
  if (!object) throw unprocessable('Object does not exist')
  if (ref.startsWith('refs/heads/') && object.type !== 'commit') throw unprocessable('Object is not a commit')
}
