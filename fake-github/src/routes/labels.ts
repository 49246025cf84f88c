// Labels of a repository, and on its issues and pull requests.
import { z } from 'zod'
import { emit } from '../events.ts'
import { GithubError, notFound, validationFailed } from '../github-error.ts'
import { findLabel, setLabels } from '../pulls.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, page, read, readBody } from '../route.ts'
import { labelingShape, labelShape } from '../shapes/issues.ts'
import type { Issue, Label } from '../state.ts'
import { findIssue } from './issues.ts'

const LABELS = '/repos/{owner}/{repo}/labels'
const ON_ISSUE = '/repos/{owner}/{repo}/issues/{issue_number}/labels'
const READ = 'issues:read|pull_requests:read'
const WRITE = 'issues:write|pull_requests:write'

const color = z.string().regex(/^[0-9a-f]{6}$/i)
const description = z.string().max(100).nullish()
const createBody = z.object({ name: z.string().min(1).max(50), color: color.default('ededed'), description })
const updateBody = z.object({
  new_name: z.string().min(1).max(50).optional(),
  color: color.optional(),
  description,
})
const names = z.array(z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]))
const namesBody = z.union([names, z.object({ labels: names.default([]) }).transform(({ labels }) => labels)])

/** https://docs.github.com/en/rest/issues/labels */
export const labelRoutes = [
  read(LABELS, READ, (call) => page(call, call.repo.labels, (label) => labelShape(call.hub, call.repo, label))),

  change('POST', LABELS, { need: WRITE }, (call) => {
    const { hub, repo } = call
    const body = readBody(call, 'Label', createBody)
    checkFree(call, body.name)
    const label: Label = { ...body, id: hub.state.nextId(), description: body.description ?? null }
    repo.labels.push(label)
    const shape = labelShape(hub, repo, label)
    emit(call, 'label', { action: 'created', label: shape })
    return json(shape, 201, { location: shape.url })
  }),

  read(`${LABELS}/{name}`, READ, (call) => json(labelShape(call.hub, call.repo, find(call)))),

  change('PATCH', `${LABELS}/{name}`, { need: WRITE }, (call) => {
    const { hub, repo } = call
    const label = find(call)
    const body = readBody(call, 'Label', updateBody)
    const renamed = body.new_name !== undefined && body.new_name !== label.name
    if (renamed && findLabel(repo, body.new_name ?? '') !== label) checkFree(call, body.new_name ?? '')
    const changes = renamed ? { name: { from: label.name } } : {}
    if (body.new_name !== undefined) label.name = body.new_name
    if (body.color !== undefined) label.color = body.color
    if (body.description !== undefined) label.description = body.description
    const shape = labelShape(hub, repo, label)
    emit(call, 'label', { action: 'edited', label: shape, changes })
    return json(shape)
  }),

  change('DELETE', `${LABELS}/{name}`, { need: WRITE }, (call) => {
    const { hub, repo } = call
    const label = find(call)
    repo.labels = repo.labels.filter((other) => other !== label)
    for (const issue of repo.issues.values()) issue.labels = issue.labels.filter((other) => other !== label)
    emit(call, 'label', { action: 'deleted', label: labelShape(hub, repo, label) })
    return noContent()
  }),

  read(ON_ISSUE, READ, (call) => page(call, findIssue(call).labels, (label) => labelShape(call.hub, call.repo, label))),

  read('/repos/{owner}/{repo}/issues/{issue_number}/events', READ, (call) =>
    page(call, findIssue(call).labelings, (labeling) => labelingShape(call.hub, call.repo, labeling)),
  ),

  change('POST', ON_ISSUE, { need: WRITE, role: 'triage' }, (call) =>
    setTo(call, (issue, given) => [...namesOf(issue), ...given]),
  ),

  change('PUT', ON_ISSUE, { need: WRITE, role: 'triage' }, (call) => setTo(call, (_, given) => given)),

  change('DELETE', ON_ISSUE, { need: WRITE, role: 'triage' }, async (call) => {
    await setLabels(call, findIssue(call, 'write'), [])
    return noContent()
  }),

  change('DELETE', `${ON_ISSUE}/{name}`, { need: WRITE, role: 'triage' }, removeLabel),
]

async function setTo(call: ChangeCall, pick: (issue: Issue, given: string[]) => string[]) {
  const issue = findIssue(call, 'write')
  const given = readBody(call, 'Label', namesBody)
  await setLabels(call, issue, pick(issue, given))
  return showAll(call, issue)
}

async function removeLabel(call: ChangeCall) {
  const issue = findIssue(call, 'write')
  const label = findLabel(call.repo, call.params.name ?? '')
  if (!label || !issue.labels.includes(label)) throw new GithubError(404, 'Label does not exist')
  const rest = namesOf(issue).filter((name) => name !== label.name)
  await setLabels(call, issue, rest)
  return showAll(call, issue)
}

function namesOf(issue: Issue): string[] {
  return issue.labels.map((label) => label.name)
}

function showAll({ hub, repo }: RepositoryCall, issue: Issue) {
  return json(issue.labels.map((label) => labelShape(hub, repo, label)))
}

function find({ repo, params }: RepositoryCall): Label {
  const label = findLabel(repo, params.name ?? '')
  if (!label) throw notFound()
  return label
}

function checkFree({ repo }: RepositoryCall, name: string): void {
  if (findLabel(repo, name)) throw validationFailed({ resource: 'Label', code: 'already_exists', field: 'name' })
}
