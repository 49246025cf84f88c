// Releases.
import { z } from 'zod'
import { emit } from '../events.ts'
import { readRef, resolveCommit } from '../git.ts'
import { notFound, validationFailed } from '../github-error.ts'
import { setRef } from '../ref-changes.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, numberParam, page, read, readBody } from '../route.ts'
import { releaseShape } from '../shapes/issues.ts'
import type { Release } from '../state.ts'

const RELEASES = '/repos/{owner}/{repo}/releases'
const createBody = z.object({
  tag_name: z.string().min(1),
  target_commitish: z.string().optional(),
  name: z.string().nullish(),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
  prerelease: z.boolean().default(false),
})

/** https://docs.github.com/en/rest/releases/releases */
export const releaseRoutes = [
  read(RELEASES, 'contents:read', (call) =>
    page(call, [...call.repo.releases.values()].reverse(), (release) => show(call, release)),
  ),

  change('POST', RELEASES, { need: 'contents:write' }, createRelease),

  read(`${RELEASES}/latest`, 'contents:read', (call) => {
    const published = [...call.repo.releases.values()].filter(({ draft, prerelease }) => !draft && !prerelease)
    return found(call, published.at(-1))
  }),

  read(`${RELEASES}/tags/{tag}`, 'contents:read', (call) => found(call, byTag(call, call.params.tag ?? ''))),

  read(`${RELEASES}/{release_id}`, 'contents:read', (call) =>
    found(call, call.repo.releases.get(numberParam(call, 'release_id'))),
  ),
]

function show({ hub, repo }: RepositoryCall, release: Release) {
  return releaseShape(hub, repo, release)
}

function found(call: RepositoryCall, release: Release | undefined) {
  if (!release) throw notFound()
  return json(show(call, release))
}

function byTag({ repo }: RepositoryCall, tag: string): Release | undefined {
  return [...repo.releases.values()].find((release) => release.tag === tag && !release.draft)
}

async function createRelease(call: ChangeCall) {
  const { hub, repo, account } = call
  const body = readBody(call, 'Release', createBody)
  if (byTag(call, body.tag_name)) {
    throw validationFailed({ resource: 'Release', code: 'already_exists', field: 'tag_name' })
  }
  const target = body.target_commitish ?? repo.defaultBranch
  const sha = await resolveCommit(repo.dir, target)
  if (!sha) throw validationFailed({ resource: 'Release', code: 'invalid', field: 'target_commitish' })
  const tagRef = `refs/tags/${body.tag_name}`
  // A draft makes no tag until it is published.
  if (!body.draft && !(await readRef(repo.dir, tagRef))) await setRef(call, tagRef, sha)
  const now = hub.clock()
  const release: Release = {
    id: hub.state.nextId(),
    tag: body.tag_name,
    target,
    name: body.name ?? null,
    body: body.body ?? null,
    draft: body.draft,
    prerelease: body.prerelease,
    author: account,
    createdAtMs: now,
    publishedAtMs: body.draft ? null : now,
  }
  repo.releases.set(release.id, release)
  const shape = show(call, release)
  const actions = body.draft ? ['created'] : ['created', 'published', body.prerelease ? 'prereleased' : 'released']
  for (const action of actions) emit(call, 'release', { action, release: shape })
  return json(shape, 201, { location: shape.url })
}
