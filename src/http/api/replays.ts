// `POST /api/replays`: stored events, done again by the rules of now.
import { createRoute } from '@hono/zod-openapi'
import { findId } from '../../db/find-id.ts'
import { replay } from '../../replay/replay.ts'
import { readReplay, replayed, replayRequest } from '../../replay/request.ts'
import { compileRules } from '../../rules/match.ts'
import type { Api } from './answer.ts'
import { answer, failure, jsonBody } from './answer.ts'
import type { ApiParts } from './api.ts'
import { readJson } from './json.ts'

const replayRoute = createRoute({
  method: 'post',
  path: '/replays',
  summary: 'Replay stored events',
  tags: ['events'],
  description:
    'Makes the jobs that the rules ask for now. No event is made, and no endpoint is notified: that is `POST /endpoints/{id}/recover`.',
  request: { body: jsonBody(replayRequest) },
  responses: { 200: answer('The jobs that it made, or would make.', replayed), default: failure },
})

/** Adds the route; `onWork` is called when there may be new jobs. */
export function addReplayRoutes(
  api: Api,
  parts: Pick<ApiParts, 'configured' | 'database' | 'looking' | 'clock' | 'onWork'>,
): void {
  const { configured, database, looking, clock, onWork } = parts
  const rules = compileRules(configured.rules)
  api.openapi(replayRoute, async (c) => {
    const request = readReplay(await readJson(c))
    const event_id = request.event_id && (await findId(looking, 'events', request.event_id))
    const done = await replay({ database, clock, rules }, { ...request, event_id })
    if (!done.dry_run) onWork()
    return c.json(done, 200)
  })
}
