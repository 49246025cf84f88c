// Milestones.
import { z } from 'zod'
import { emit } from '../events.ts'
import { notFound, validationFailed } from '../github-error.ts'
import { isoTimeOrNull } from '../hub.ts'
import { setMilestone } from '../pulls.ts'
import type { Milestone } from '../records.ts'
import type { ChangeCall, RepositoryCall } from '../route.ts'
import { change, json, noContent, numberParam, page, read, readBody } from '../route.ts'
import { milestoneShape } from '../shapes/issues.ts'

const MILESTONES = '/repos/{owner}/{repo}/milestones'
const MILESTONE = `${MILESTONES}/{milestone_number}`
const READ = 'issues:read|pull_requests:read'
const WRITE = { need: 'issues:write|pull_requests:write' } as const

const state = z.enum(['open', 'closed'])
const optional = { description: z.string().nullish(), due_on: z.iso.datetime({ offset: true }).nullish() }
const createBody = z.object({ ...optional, title: z.string().min(1), state: state.default('open') })
const updateBody = z.object({ ...optional, title: z.string().min(1).optional(), state: state.optional() })

/** https://docs.github.com/en/rest/issues/milestones */
export const milestoneRoutes = [
  read(MILESTONES, READ, (call) => page(call, select(call), (milestone) => show(call, milestone))),
  change('POST', MILESTONES, WRITE, create),
  read(MILESTONE, READ, (call) => json(show(call, find(call)))),
  change('PATCH', MILESTONE, WRITE, update),
  change('DELETE', MILESTONE, WRITE, async (call) => {
    const milestone = find(call)
    const issues = [...call.repo.issues.values()].filter((issue) => issue.milestone === milestone)
    for (const issue of issues) await setMilestone(call, issue, null)
    call.repo.milestones.delete(milestone.number)
    emitMilestone(call, milestone, 'deleted')
    return noContent()
  }),
]

function show({ hub, repo }: RepositoryCall, milestone: Milestone) {
  return milestoneShape(hub, repo, milestone)
}

function find(call: RepositoryCall): Milestone {
  const milestone = call.repo.milestones.get(numberParam(call, 'milestone_number'))
  if (!milestone) throw notFound()
  return milestone
}

/** Those due first come first, those without a date last. */
function select({ repo, query }: RepositoryCall): Milestone[] {
  const wanted = query.get('state') ?? 'open'
  const sign = query.get('direction') === 'desc' ? -1 : 1
  const due = ({ dueOnMs }: Milestone) => dueOnMs ?? Number.MAX_SAFE_INTEGER
  return [...repo.milestones.values()]
    .filter((milestone) => wanted === 'all' || milestone.state === wanted)
    .sort((a, b) => sign * (due(a) - due(b) || a.number - b.number))
}

function create(call: ChangeCall) {
  const { hub, repo, account } = call
  const body = readBody(call, 'Milestone', createBody)
  checkFree(call, body.title)
  const now = hub.clock()
  const milestone: Milestone = {
    id: hub.state.nextId(),
    number: repo.nextMilestone++,
    title: body.title,
    description: body.description ?? null,
    state: body.state,
    creator: account,
    createdAtMs: now,
    updatedAtMs: now,
    closedAtMs: body.state === 'closed' ? now : null,
    dueOnMs: body.due_on ? Date.parse(body.due_on) : null,
  }
  repo.milestones.set(milestone.number, milestone)
  emitMilestone(call, milestone, 'created')
  const shape = show(call, milestone)
  return json(shape, 201, { location: shape.url })
}

function update(call: ChangeCall) {
  const milestone = find(call)
  const body = readBody(call, 'Milestone', updateBody)
  if (body.title !== undefined && body.title !== milestone.title) checkFree(call, body.title)
  const before = { ...milestone }
  const now = call.hub.clock()
  Object.assign(milestone, {
    title: body.title ?? before.title,
    ...(body.description !== undefined && { description: body.description }),
    ...(body.due_on !== undefined && { dueOnMs: body.due_on === null ? null : Date.parse(body.due_on) }),
    state: body.state ?? before.state,
    updatedAtMs: now,
  })
  milestone.closedAtMs = milestone.state === 'closed' ? (before.closedAtMs ?? now) : null
  const changes = changesSince(before, milestone)
  if (Object.keys(changes).length > 0) emitMilestone(call, milestone, 'edited', { changes })
  if (before.state !== milestone.state) emitMilestone(call, milestone, milestone.state === 'open' ? 'opened' : 'closed')
  return json(show(call, milestone))
}

function changesSince(before: Milestone, now: Milestone) {
  return {
    ...(before.title !== now.title && { title: { from: before.title } }),
    ...(before.description !== now.description && { description: { from: before.description ?? '' } }),
    ...(before.dueOnMs !== now.dueOnMs && { due_on: { from: isoTimeOrNull(before.dueOnMs) ?? '' } }),
  }
}

function checkFree({ repo }: RepositoryCall, title: string): void {
  if ([...repo.milestones.values()].some((milestone) => milestone.title === title)) {
    throw validationFailed({ resource: 'Milestone', code: 'already_exists', field: 'title' })
  }
}

function emitMilestone(call: ChangeCall, milestone: Milestone, action: string, more = {}): void {
  emit(call, 'milestone', { action, milestone: show(call, milestone), ...more })
}
