// What a run happens on: PostgreSQL, a fake GitHub, a receiver of deliveries, and the processes.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FakeGithub, RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { Database } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { silentLog } from '../../src/lib/log.ts'
import { SECRET } from '../keys.ts'
import type { Journal, Log } from './journal.ts'
import { monotonicMs, openJournal } from './journal.ts'
import type { Nodes } from './nodes.ts'
import { openNodes } from './nodes.ts'
import type { RestartablePostgres } from './postgres.ts'
import { openRestartablePostgres } from './postgres.ts'
import type { TcpProxy } from './proxy.ts'
import { openProxy } from './proxy.ts'
import type { Sent } from './senders-log.ts'
import { SUBSCRIBER } from './service.ts'
import { openSubscriber } from './subscriber.ts'

/** Something that was written to GitHub, or tried. */
export type Written = { at: number; status: number; route: string; text: string }

/** Everything a run has. */
export type Stage = {
  folder: string
  leaseMs: number
  postgres: RestartablePostgres
  /** The run's own way to the database, past the proxies. */
  database: Database
  github: FakeGithub
  token: string
  repository: RepositoryHandle
  /** What jobs comment on. */
  issues: readonly number[]
  written: readonly Written[]
  nodes: Nodes
  /** The way to the receiver, whichever process that is. */
  front: TcpProxy
  url: string
  journal: Journal
  journalPath: string
  log: Log<Sent>
  logPath: string
  close(): Promise<void>
}

type Options = { leaseMs: number; orchestrators: number; issues: number; keep?: boolean | undefined }

/** Opens it all. */
export async function openStage({ leaseMs, orchestrators, issues: count, keep }: Options): Promise<Stage> {
  const opened = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-chaos-'))
    if (!keep) opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    // Root's PostgreSQL runs as somebody else, who must be able to get in.
    await chmod(folder, 0o711)
    const postgres = await openRestartablePostgres(folder)
    opened.defer(() => postgres.close())
    const database = await openDatabase({ url: postgres.url, log: silentLog, max: 4 })
    opened.defer(() => database.close())
    await migrate(database, { log: silentLog })
    const [journalPath, logPath] = [join(folder, 'journal'), join(folder, 'sent.jsonl')]
    const [journal, log] = [openJournal(journalPath), openJournal<Sent>(logPath)]
    opened.defer(journal.close)
    opened.defer(log.close)
    const { github, written } = await openGithub(log)
    opened.defer(() => github.close())
    const token = github.addToken({ login: 'acme', scopes: ['repo', 'admin:repo_hook'] })
    const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
    const issues: number[] = []
    for (let i = 0; i < count; i++) issues.push((await repository.openIssue({ title: `about ${i}` })).number)
    const subscriber = await openSubscriber(log)
    opened.defer(subscriber.close)
    const nodes = await openNodes({
      folder,
      orchestrators,
      leaseMs,
      log: journal,
      journal: journalPath,
      postgresUrl: postgres.url,
      github: { apiUrl: github.apiUrl, token },
      subscriberUrl: subscriber.url,
    })
    opened.defer(nodes.close)
    const front = await openProxy(() => portOf(nodes))
    opened.defer(() => front.close())
    await nodes.ready()
    log.write({ what: 'endpoint', ...SUBSCRIBER })
    const url = `http://127.0.0.1:${front.port}`
    await repository.addWebhook({ url: `${url}/webhook/github`, secret: SECRET, events: ['issues'] })
    const parts = { folder, leaseMs, postgres, database, github, token, repository, issues, written }
    return { ...parts, nodes, front, url, journal, journalPath, log, logPath, close: () => opened.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

// While there is no receiver: nobody listens there.
const NO_PORT = 1

function portOf({ places }: Nodes): number {
  const url = places.find(({ role }) => role === 'receiver')?.url
  return url ? Number(new URL(url).port) : NO_PORT
}

/** A fake GitHub that notes what is written to it, and how its own webhooks are answered. */
export async function openGithub(log: Log<Sent>): Promise<{ github: FakeGithub; written: Written[] }> {
  const written: Written[] = []
  const github = await openFakeGithub({
    onExchange({ method, status, route, requestBody }) {
      if (method === 'GET') return
      written.push({ at: monotonicMs(), status, route: `${method} ${route}`, text: JSON.stringify(requestBody) ?? '' })
    },
    onDelivery({ event, guid, statusCode, status, request, response }) {
      if (event !== 'issues') return
      const delivery = (request.payload as { issue: { title: string } }).issue.title
      const isAcknowledged = statusCode < 300
      const answer = isAcknowledged ? (JSON.parse(response.payload ?? '') as { event_id: string }).event_id : null
      // GitHub writes these for a connection that was not made or timed out.
      const isAnswered = statusCode !== 502 && statusCode !== 504
      log.write({
        what: 'answer',
        delivery,
        guid,
        status: isAnswered ? statusCode : null,
        event: answer,
        ...(!isAnswered && { error: status }),
      })
    },
  })
  return { github, written }
}
