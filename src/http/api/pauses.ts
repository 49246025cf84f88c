// `/api/pauses`: what is paused, pausing it and resuming it, whatever it is.
import { createRoute } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { changeEndpoint } from '../../endpoints/change.ts'
import { AppError } from '../../lib/error.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { oneLine } from '../../lib/one-line.ts'
import { listPaused } from '../../pauses/list.ts'
import type { Pausable } from '../../pauses/pauses.ts'
import { EVERYTHING, endRunning, pause, resume } from '../../pauses/pauses.ts'
import type { Paused } from '../../pauses/wire.ts'
import {
  paused,
  pauseRequest,
  pauseResult,
  pausesQuery,
  readPauseRequest,
  resumed,
  resumeQuery,
} from '../../pauses/wire.ts'
import { pauseRule, resumeRule } from '../../rules/states.ts'
import { TEST_SOURCE } from '../../sources/event-type.ts'
import { manual } from '../../sources/manual.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody, pageAnswer, query } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const list = createRoute({
  method: 'get',
  path: '/pauses',
  summary: 'List what is paused',
  tags: ['pauses'],
  request: { query: query(pausesQuery) },
  responses: { 200: pageAnswer('Everything that is paused, and was.', paused), default: failure },
})
const create = createRoute({
  method: 'post',
  path: '/pauses',
  summary: 'Pause everything, a source, a rule or an endpoint',
  tags: ['pauses'],
  description: 'Nothing of it is begun any more once this is answered. What is paused already gets the new reason.',
  request: { body: jsonBody(pauseRequest) },
  responses: { 200: answer('What is paused now.', pauseResult), default: failure },
})
const remove = createRoute({
  method: 'delete',
  path: '/pauses',
  summary: 'Resume what is paused',
  tags: ['pauses'],
  description: 'What was held goes on at once, in its order. Events that came while a rule was paused get no jobs.',
  request: { query: query(resumeQuery) },
  responses: { 200: answer('What is not paused any more.', resumed), default: failure },
})

/** What this program records itself, and what has no webhook. */
const OWN_SOURCES = [manual.name, 'signalbox', 'outbox', 'deployments', TEST_SOURCE]

/** As a request names it. */
type Named = { kind: Paused['kind']; name?: string | undefined }
type What = Pausable | { kind: 'rule'; name: string } | { kind: 'endpoint'; name: string }
type Parts = Pick<
  ApiParts,
  'database' | 'looking' | 'clock' | 'configured' | 'onWork' | 'seal' | 'readTarget' | 'hasSigningKey'
>

/** Adds the routes of pauses; `onWork` is called when something may go on. */
export function addPauseRoutes(api: Api, parts: Parts): void {
  const { database, looking, onWork } = parts
  const find = finder(parts)
  api.openapi(list, async (c) => c.json({ items: await listPaused(looking, c.req.valid('query')), next: null }, 200))
  api.openapi(create, async (c) => {
    const { running, ...request } = readPauseRequest(await readJson(c))
    const what = await find(request)
    if (what.kind === 'endpoint' && running !== 'finish') {
      throw new AppError('input_invalid', 'running: an endpoint has no jobs; leave it away')
    }
    await pauseIt(parts, what, request)
    const stopped = running === 'finish' || what.kind === 'endpoint' ? 0 : await endRunning(database, what, running)
    const row = rowOf(await listPaused(database), what)
    if (row === undefined) throw new AppError('conflict', 'Somebody else has resumed it at the same moment.')
    return c.json({ ...row, stopped }, 200)
  })
  api.openapi(remove, async (c) => {
    const what = await find(c.req.valid('query'))
    const row = rowOf(await listPaused(database), what)
    // Even if it is not paused: what was not released to its end, because a process died, is now.
    await resumeIt(parts, what, row !== undefined)
    onWork()
    const { kind } = what
    const answered = { kind, name: row?.name ?? (what.name || null), resumed: row !== undefined }
    return c.json({ ...answered, still_paused: await listPaused(database) }, 200)
  })
}

/** Finds what is meant; a name that is not known is refused, unless it is paused. */
function finder({ database, looking, configured }: Parts): (named: Named) => Promise<What> {
  const sources = [...configured.sources.keys(), ...OWN_SOURCES]
  const rules = configured.rules.map(({ name }) => name)
  return async ({ kind, name }) => {
    if (kind === 'everything') {
      if (name === undefined) return EVERYTHING
      throw new AppError('input_invalid', 'name: leave it away with "everything"')
    }
    if (name === undefined) throw new AppError('input_invalid', `name: name the ${kind}`)
    if (kind === 'endpoint') return { kind, name: await findId(looking, 'endpoints', name) }
    const known = kind === 'rule' ? rules : sources
    if (known.includes(name) || rowOf(await listPaused(database), { kind, name }) !== undefined) return { kind, name }
    throw new AppError('not_found', `There is no ${kind} ${JSON.stringify(name)}${didYouMean(name, known) || '.'}`)
  }
}

function rowOf(all: readonly Paused[], { kind, name }: What): Paused | undefined {
  return all.find((one) => one.kind === kind && (one.id ?? one.name ?? '') === name)
}

async function pauseIt(
  parts: Parts,
  what: What,
  { reason, by }: { reason?: string | undefined; by?: string | undefined },
): Promise<void> {
  const { database, clock } = parts
  if (what.kind === 'rule') return pauseRule(database, clock, what.name, { reason, by })
  if (what.kind !== 'endpoint') return pause(database, clock, what, { reason, by })
  await changeEndpoint(parts, what.name, { status: 'paused' })
  if (reason === undefined) return
  await database.query(`update signalbox.endpoints set status_reason = $2 where id = $1 and status = 'paused'`, [
    what.name,
    oneLine(reason),
  ])
}

async function resumeIt(parts: Parts, what: What, isPaused: boolean): Promise<void> {
  const { database, clock } = parts
  if (what.kind === 'rule') return resumeRule(database, clock, what.name)
  if (what.kind !== 'endpoint') return resume(database, what)
  // One that is disabled is not resumed by the way.
  if (isPaused) await changeEndpoint(parts, what.name, { status: 'active' })
}
