// Requests from outside to do something, which GitHub passes on to Apps.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { emit } from '../events.ts'
import { readRef } from '../git.ts'
import { readCommit } from '../git-commits.ts'
import { findInTree, readObject, readTree } from '../git-objects.ts'
import { notFound, unprocessable } from '../github-error.ts'
import { isoTime } from '../hub.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, pageOf, read, readBody } from '../route.ts'
import { nodeId } from '../shapes/node-id.ts'
import { repositoryPage, repositoryUrl } from '../shapes/repositories.ts'
import type { Repository } from '../state.ts'

const REPO = '/repos/{owner}/{repo}'
const FOLDER = '.github/workflows'
const object = z.record(z.string(), z.unknown())
const dispatchBody = z.object({ event_type: z.string().min(1).max(100), client_payload: object.default({}) })
const workflowBody = z.object({ ref: z.string().min(1), inputs: object.optional() })

/**
 * https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event and
 * https://docs.github.com/en/rest/actions/workflows; nothing ever runs a workflow.
 */
export const dispatchRoutes = [
  change('POST', `${REPO}/dispatches`, { need: 'contents:write' }, (call) => {
    const { event_type: action, client_payload: payload } = readBody(call, 'RepositoryDispatch', dispatchBody)
    if (Object.keys(payload).length > 10)
      throw unprocessable('No more than 10 properties are allowed in client_payload')
    emit(call, 'repository_dispatch', { action, branch: call.repo.defaultBranch, client_payload: payload })
    return noContent()
  }),

  read(`${REPO}/actions/workflows`, 'actions:read', async (call) => {
    const workflows = await workflowsOf(call.repo)
    return pageOf(
      call,
      workflows,
      (workflow) => workflowShape(call, workflow),
      (list) => ({ total_count: workflows.length, workflows: list }),
    )
  }),

  read(`${REPO}/actions/workflows/{workflow_id}`, 'actions:read', async (call) =>
    json(workflowShape(call, await findWorkflow(call))),
  ),

  change('POST', `${REPO}/actions/workflows/{workflow_id}/dispatches`, { need: 'actions:write' }, dispatchWorkflow),
]

/** A file that says what is to be run. */
type Workflow = { id: number; path: string; text: string }

async function workflowsOf(repo: Repository): Promise<Workflow[]> {
  const head = await readRef(repo.dir, `refs/heads/${repo.defaultBranch}`)
  const tree = head && (await readCommit(repo.dir, head))?.tree
  const folder = tree && (await findInTree(repo.dir, tree, FOLDER))
  const entries = (folder && (await readTree(repo.dir, folder.sha))) || []
  const files = entries.filter(({ name }) => /\.ya?ml$/.test(name))
  return Promise.all(
    files.map(async ({ name, sha }) => {
      const path = `${FOLDER}/${name}`
      const text = (await readObject(repo.dir, sha))?.data.toString() ?? ''
      // The same path has the same number always.
      return { id: createHash('sha1').update(path).digest().readUInt32BE(), path, text }
    }),
  )
}

/** By number or by the name of its file. */
async function findWorkflow({ repo, params }: RepositoryCall): Promise<Workflow> {
  const asked = params.workflow_id ?? ''
  const found = (await workflowsOf(repo)).find(({ id, path }) => String(id) === asked || path === `${FOLDER}/${asked}`)
  if (!found) throw notFound()
  return found
}

function workflowShape({ hub, repo }: RepositoryCall, { id, path, text }: Workflow) {
  const page = repositoryPage(hub, repo)
  const file = path.slice(FOLDER.length + 1)
  return {
    id,
    node_id: nodeId('Workflow', id),
    name: /^name:[ \t]*['"]?([^'"\n]+)/m.exec(text)?.[1]?.trim() ?? path,
    path,
    state: 'active',
    created_at: isoTime(repo.createdAtMs),
    updated_at: isoTime(repo.createdAtMs),
    url: `${repositoryUrl(hub, repo)}/actions/workflows/${id}`,
    html_url: `${page}/blob/${repo.defaultBranch}/${path}`,
    badge_url: `${page}/workflows/${file}/badge.svg`,
  }
}

async function dispatchWorkflow(call: ChangeCall) {
  const { repo } = call
  const { path, text } = await findWorkflow(call)
  const { ref, inputs } = readBody(call, 'Workflow', workflowBody)
  const full = await fullRef(repo, ref)
  if (!full) throw unprocessable(`No ref found for: ${ref}`)
  if (!text.includes('workflow_dispatch')) throw unprocessable("Workflow does not have 'workflow_dispatch' trigger")
  emit(call, 'workflow_dispatch', { inputs: inputs ?? null, ref: full, workflow: path })
  return noContent()
}

async function fullRef(repo: Repository, name: string): Promise<string | null> {
  for (const ref of [name, `refs/heads/${name}`, `refs/tags/${name}`]) {
    if (await readRef(repo.dir, ref)) return ref
  }
  return null
}
