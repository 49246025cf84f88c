// Signalbox's own receiving edge, with a recorder that says "recorded" and keeps nothing: what durability costs is the difference.
import type { Recorder } from '../../../src/events/record.ts'
import { openApi } from '../../../src/http/api/api.ts'
import { httpApp } from '../../../src/http/app.ts'
import { openServer } from '../../../src/http/listen.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openLog } from '../../../src/lib/pino-log.ts'
import { openPipeline } from '../../../src/pipeline.ts'
import { github } from '../../../src/sources/github/github.ts'
import { ready } from '../../parent.ts'
import { SECRET } from '../payload.ts'

const recorder: Pick<Recorder, 'record'> = {
  record: async ({ id }) => ({ id, duplicate: false, status: 'ignored', reason: 'nothing is stored here', jobIds: [] }),
}
const log = openLog()
const access = { kind: 'closed' } as const
const pipeline = openPipeline({
  clock: systemClock,
  log,
  sources: new Map([['github', github({ secrets: [SECRET] })]]),
  recorder: recorder as Recorder,
  jobTypes: new Map(),
  refusals: { take: () => true },
  alongside: () => undefined,
})
const app = httpApp({
  version: 'bench',
  access,
  log,
  pipeline,
  probe: async () => undefined,
  api: openApi(access),
})
const server = await openServer(app, { host: '127.0.0.1', port: 0 })
ready({ url: server.url }, () => server.close())
