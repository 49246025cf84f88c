// Signalbox's own receiving edge and source, in front of a pipeline that stores nothing. The
// difference is what durability costs.
import { Hono } from 'hono'
import { httpApp } from '../../../src/http/app.ts'
import { clientAddresses } from '../../../src/http/client-address.ts'
import { examineDisks } from '../../../src/http/disk-space.ts'
import { openHealth } from '../../../src/http/health.ts'
import { databaseFailed } from '../../../src/http/health-parts.ts'
import { openServer } from '../../../src/http/listen.ts'
import { requestRate } from '../../../src/http/request-rate.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openLog } from '../../../src/lib/pino-log.ts'
import { NO_PROXIES } from '../../../src/lib/trusted-proxies.ts'
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
const unlimited = requestRate({ name: 'bench', perMinute: 0 })
const app = httpApp({
  clients: clientAddresses(NO_PROXIES),
  authorised: unlimited,
  refused: unlimited,
  verified: unlimited,
  sourceNames: [source.name],
  access,
  openPing: false,
  clock: systemClock,
  log,
  pipeline: pipeline as Pipeline,
  monitoring: new Hono(),
  health: openHealth({ database: async () => databaseFailed(new Error('none')), disks: () => examineDisks({}) }),
  signingKeys: [],
  api: new Hono(),
})
const server = await openServer(app, { host: '127.0.0.1', port: 0 })
ready({ url: server.url }, () => server.close())
