// What a run happens on: PostgreSQL, a fake GitHub, a receiver of deliveries, and the processes.
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RepositoryHandle } from '@signalbox/fake-github'
import { openFakeGithub } from '@signalbox/fake-github'
import type { Database } from '../../src/db/database.ts'
import { migrate } from '../../src/db/migrate.ts'
import { openDatabase } from '../../src/db/postgres.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { Journal } from './journal.ts'
import { monotonicMs, openJournal } from './journal.ts'
import type { Nodes } from './nodes.ts'
import { openNodes } from './nodes.ts'
import type { RestartablePostgres } from './postgres.ts'
import { openRestartablePostgres } from './postgres.ts'

/** Something that was written to GitHub, or tried. */
export type Written = { at: number; status: number; route: string; text: string }

/** Everything a run has. */
export type Stage = {
  folder: string
  leaseMs: number
  postgres: RestartablePostgres
  /** The run's own way to the database, past the proxies. */
  database: Database
  repository: RepositoryHandle
  commits: readonly string[]
  written: readonly Written[]
  /** The `webhook-id` of everything that was delivered. */
  delivered: ReadonlySet<string>
  nodes: Nodes
  journal: Journal
  journalPath: string
  close(): Promise<void>
}

/** Opens it all. */
export async function openStage(options: {
  leaseMs: number
  orchestrators: number
  commits: number
  keep?: boolean | undefined
}): Promise<Stage> {
  const { leaseMs, orchestrators } = options
  const opened = new AsyncDisposableStack()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-chaos-'))
    if (!options.keep) opened.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    // Root's PostgreSQL runs as somebody else, who must be able to get in.
    await chmod(folder, 0o711)
    const postgres = await openRestartablePostgres(folder)
    opened.defer(() => postgres.close())
    const database = await openDatabase({ url: postgres.url, log: silentLog, max: 4 })
    opened.defer(() => database.close())
    await migrate(database, { log: silentLog })
    const written: Written[] = []
    const github = await openFakeGithub({
      onExchange: ({ method, status, route, requestBody }) => {
        if (method === 'GET') return
        written.push({
          at: monotonicMs(),
          status,
          route: `${method} ${route}`,
          text: JSON.stringify(requestBody) ?? '',
        })
      },
    })
    opened.defer(() => github.close())
    const repository = await github.addRepository({ owner: 'acme', name: 'shop', files: { 'a.txt': 'a' } })
    const commits: string[] = []
    for (let i = 0; i < options.commits; i++) {
      commits.push(await repository.commit({ message: `c${i}`, files: { 'a.txt': `${i}` } }))
    }
    const subscriber = await openSubscriber()
    opened.defer(subscriber.close)
    const journalPath = join(folder, 'journal')
    const journal = openJournal(journalPath)
    opened.defer(journal.close)
    const nodes = await openNodes({
      folder,
      orchestrators,
      leaseMs,
      log: journal,
      journal: journalPath,
      postgresUrl: postgres.url,
      github: { apiUrl: github.apiUrl, token: github.addToken({ login: 'acme' }) },
      subscriberUrl: subscriber.url,
    })
    opened.defer(nodes.close)
    await nodes.ready()
    const parts = { folder, leaseMs, postgres, database, repository, commits, written, nodes, journal, journalPath }
    return { ...parts, delivered: subscriber.delivered, close: () => opened.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** A receiver of deliveries that answers 200 and remembers every `webhook-id`. */
async function openSubscriber() {
  const delivered = new Set<string>()
  const server = createServer((request, response) => {
    delivered.add(String(request.headers['webhook-id']))
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async () => {
    server.closeAllConnections()
    server.close()
  }
  return { delivered, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close }
}
