// Signalbox's own receiving edge and source, in front of a pipeline that stores nothing. The
// difference is what durability costs.
import { Hono } from 'hono'
import { httpApp } from '../../../src/http/app.ts'
import { openServer } from '../../../src/http/listen.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openLog } from '../../../src/lib/pino-log.ts'
import type { Pipeline } from '../../../src/pipeline.ts'
import { acceptedDraft } from '../../../src/sources/draft.ts'
import { github } from '../../../src/sources/github/github.ts'
import { ready } from '../../parent.ts'
import { SECRET } from '../payload.ts'

const log = openLog()
const access = { kind: 'closed' } as const
const source = github({ secrets: [SECRET] })
type Envelope = ReturnType<typeof source.open>
const pipeline: Pick<Pipeline, 'admit' | 'receive' | 'refuse'> = {
  admit: (_name, headers) => ({ source, envelope: source.open(headers) }),
  async receive({ envelope }, body, headers, remote) {
    const at = systemClock.now()
    source.verify(envelope as Envelope, body, at)
    const { id, type } = acceptedDraft(source, source.normalise(envelope as Envelope, body), {
      body,
      headers,
      remote,
      at,
    })
    return { id, type, duplicate: false, status: 'ignored', reason: 'nothing is stored here', jobIds: [] }
  },
  refuse: async () => undefined,
}
const app = httpApp({
  version: 'bench',
  access,
  openPing: false,
  clock: systemClock,
  log,
  pipeline: pipeline as Pipeline,
  probe: async () => undefined,
  signingKeys: [],
  api: new Hono(),
})
const server = await openServer(app, { host: '127.0.0.1', port: 0 })
ready({ url: server.url }, () => server.close())
