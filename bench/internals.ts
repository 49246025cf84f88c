// Everything the benchmarks use from inside a checkout, of this commit or an older one.
// A part is found by the name it is exported by: a renamed one is changed here and nowhere else.
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/** A connection, or a pool of them, as Signalbox has it. */
type Sql = { query(text: string, values?: readonly unknown[], name?: string): Promise<{ rows: object[] }> }

/** An open database of a checkout. */
export type Database = Sql & {
  prepareStatements?(allowed: boolean): void
  ownSessions?(areOwn: boolean): void
  close(): Promise<void>
}

/** A worker or a sender. */
export type Worker = { start(): void; nudge(): void; drain(): Promise<void> }

type Row = { id: string; attempt: number; input?: unknown }
type Parts = Record<string, unknown>

/** The channel on which a service of `main.ts` listens. */
const CHANNEL = 'signalbox'

/**
 * Opens a database and brings its schema up to date. Statements are prepared, as a service does it
 * once it listens.
 */
export async function openDatabase(root: string, url: string, max?: number): Promise<Database> {
  const log = await exported(root, 'silentLog')
  const open = await exported<(options: Parts) => Promise<Database>>(root, 'openDatabase')
  const database = await open({ url, log, ...(max === undefined ? {} : { max }) })
  await (await exported<(database: Database, options: Parts) => Promise<unknown>>(root, 'migrate'))(database, { log })
  database.ownSessions?.(true)
  database.prepareStatements?.(true)
  return database
}

/** Starts a worker over the jobs with a handler of one's own, woken by the database. */
export async function openQueue(
  root: string,
  options: { url: string; database: Database; slots: number; handle: (row: Row) => void },
): Promise<{ close(): Promise<void> }> {
  const { url, database, slots, handle } = options
  const [log, clock] = [await exported(root, 'silentLog'), await exported(root, 'systemClock')]
  const open = await exported<(options: Parts) => Worker>(root, 'openWorker')
  const table = await exported(root, 'JOBS')
  const queueOn = await exportedIfAny<QueueOn>(root, 'queueOn')
  const worker = open({
    database,
    clock,
    log,
    // A worker takes the table, or the queue over it.
    table,
    ...(queueOn ? { queue: queueOn({ table, clock }) } : {}),
    slots,
    leaseMs: 30_000,
    tickMs: 60_000,
    async handle(row: Row) {
      handle(row)
      // An outcome for a queue that wants only that, and an outcome with a detail for one that
      // wants both.
      return { kind: 'completed', outcome: { kind: 'completed' }, detail: null }
    },
  })
  const listen = await exported<(options: Parts) => Promise<{ close(): Promise<void> }>>(root, 'openListener')
  const listener = await listen({ database, url, channels: [CHANNEL], onNotify: () => worker.nudge(), log })
  worker.start()
  return {
    async close() {
      await worker.drain()
      await listener.close()
    },
  }
}

/** Starts what `signalbox serve --only orchestrator` starts, with one agent named `no-op`. */
export async function openOrchestrator(
  root: string,
  options: { url: string; slots: number | null; handle: (text: string) => void },
): Promise<{ close(): Promise<void> }> {
  const { url, slots, handle } = options
  const log = await exported(root, 'silentLog')
  const readEnvironment = await exported<(variables: Parts) => object>(root, 'readEnvironment')
  const environment = readEnvironment({
    DATABASE_URL: url,
    ...(slots === null ? {} : { MAX_CONCURRENT_JOBS: String(slots) }),
  })
  const openStore = await exported<(options: Parts) => Promise<{ close(): Promise<void> }>>(root, 'openStore')
  const store = await openStore({ environment, log })
  const agent = (await exported<(agent: Parts) => object>(root, 'defineAgent'))({
    name: 'no-op',
    description: 'Does nothing.',
    input: z.object({ text: z.string() }),
    async run({ input }: { input: { text: string } }) {
      handle(input.text)
      return {}
    },
  })
  const open = await exported<(options: Parts) => Promise<{ close(): Promise<void> }>>(root, 'openSignalbox')
  const roles = { receiver: false, orchestrator: true }
  const config = { agents: [agent], rules: [] }
  const service = await open({ environment, config, store, mode: 'serve', roles, log })
  return {
    async close() {
      await service.close()
      await store.close()
    },
  }
}

/**
 * Opens what makes jobs: each with the event that asks for it, in one commit, which concurrent
 * callers share.
 */
export async function openMaker(root: string, database: Database) {
  const [newId, idFor, openNotifier] = await Promise.all([
    exported<() => string>(root, 'newId'),
    exported<(...names: string[]) => string>(root, 'idFor'),
    exported<(database: Database, channel: string) => Notifier>(root, 'openNotifier'),
  ])
  const notifier = openNotifier(database, CHANNEL)
  const recorder = await openRecorder(root, database, notifier.notify)
  return {
    make(text: string): Promise<unknown> {
      const id = newId()
      return recorder.record(draftOf(id, idFor('job', id), text))
    },
    async close() {
      await recorder.idle()
      await notifier.close()
    },
  }
}

type Notifier = { notify: () => void; close(): Promise<void> }
type Recorder = { record(draft: object): Promise<unknown>; idle(): Promise<void> }

/** A pipeline that records drafts itself, or the recorder that older pipelines were given. */
async function openRecorder(root: string, database: Database, onWork: () => void): Promise<Recorder> {
  const [log, clock] = [await exported(root, 'silentLog'), await exported(root, 'systemClock')]
  const openPipeline = await exported<(options: Parts) => object | Promise<object>>(root, 'openPipeline')
  const pipeline = await openPipeline({ database, clock, log, sources: new Map(), rules: [], onWork })
  if ('record' in pipeline) return pipeline as Recorder
  const { rows } = await database.query('select version::int from signalbox.endpoints_version')
  const { version } = rows[0] as { version: number }
  const route = ({ requested }: Parts) => ({ status: 'routed', reason: null, jobs: [requested], deliveries: [] })
  const router = { version: () => version, reload: async () => undefined, route }
  const open = await exported<(options: Parts) => Recorder>(root, 'openRecorder')
  return open({ database, clock, router, onWork })
}

function draftOf(id: string, jobId: string, text: string): object {
  return {
    id,
    source: 'manual',
    deliveryId: id,
    type: 'manual',
    subject: null,
    actor: null,
    facts: {},
    body: Buffer.from(JSON.stringify({ text })),
    payload: null,
    contentType: 'application/json',
    headers: {},
    depth: 0,
    causeJobId: null,
    requested: {
      id: jobId,
      rule: 'manual',
      type: 'no-op',
      agent: 'no-op',
      input: { text },
      policy: { repositories: [] },
      who: null,
      model: null,
      budget: null,
      priority: 5,
      groupKey: null,
      groupLimit: 1,
      mode: 'queue',
      debounce: null,
      ceilingSubject: null,
      maxAttempts: 5,
      timeLimitMs: 60_000,
    },
  }
}

/** As long as the service's. */
const LEASE_MS = 30_000

/** The statements of the queue over jobs. */
export type Statements = {
  claim(owner: string, limit: number): Promise<Row[]>
  renew(owner: string, rows: readonly Row[]): Promise<unknown>
  settle(owner: string, rows: readonly Row[]): Promise<unknown>
  nextDue(): Promise<unknown>
}

type Claiming = { owner: string; limit: number; leaseMs: number }
type Ending = { owner: string; ended: readonly object[]; endings: readonly object[] }
type Renewing = { owner: string; attempts: readonly Row[]; leaseMs: number }
type Queue = {
  claim(sql: Sql, options: Claiming): Promise<Row[]>
  renew(sql: Sql, options: Renewing): Promise<unknown>
  settle(sql: Sql, options: Ending): Promise<unknown>
  nextDue(sql: Sql): Promise<unknown>
}
type QueueOn = (options: { table: unknown; clock: unknown }) => Queue

/** The statements of the queue, one by one. */
export async function openStatements(root: string, database: Database): Promise<Statements> {
  const queue = await openStatementsOn(root)
  return {
    claim: (owner, limit) => queue.claim(database, { owner, limit, leaseMs: LEASE_MS }),
    renew: (owner, rows) => queue.renew(database, { owner, attempts: rows, leaseMs: LEASE_MS }),
    settle(owner, rows) {
      const ended = rows.map(({ id, attempt }) => ({ id, attempt, outcome: { kind: 'completed' }, detail: null }))
      return queue.settle(database, { owner, ended, endings: ended })
    },
    nextDue: () => queue.nextDue(database),
  }
}

/**
 * The queue over jobs: made by `queueOn`, or three functions that take table and clock themselves.
 */
async function openStatementsOn(root: string): Promise<Queue> {
  const [table, clock] = await Promise.all([exported(root, 'JOBS'), exported(root, 'systemClock')])
  const queueOn = await exportedIfAny<QueueOn>(root, 'queueOn')
  if (queueOn) return queueOn({ table, clock })
  type Statement<Options, Answer> = (sql: Sql, table: unknown, clock: unknown, options: Options) => Promise<Answer>
  const [claim, renew, settle, nextDue] = await Promise.all([
    exported<Statement<Claiming, Row[]>>(root, 'claim'),
    exported<Statement<Renewing, unknown>>(root, 'renew'),
    exported<Statement<Ending, unknown>>(root, 'settle'),
    exported<Statement<undefined, unknown>>(root, 'nextDue'),
  ])
  return {
    claim: (sql, options) => claim(sql, table, clock, options),
    renew: (sql, options) => renew(sql, table, clock, options),
    settle: (sql, options) => settle(sql, table, clock, options),
    nextDue: (sql) => nextDue(sql, table, clock, undefined),
  }
}

/** Opens a sender of deliveries. */
export async function openSender(root: string, database: Database, slots: number): Promise<Worker> {
  const open = await exported<(options: Parts) => Worker>(root, 'openSender')
  const [log, clock] = [await exported(root, 'silentLog'), await exported(root, 'systemClock')]
  // The others are for a sender that imports nothing of events and endpoints itself.
  const payloadOf = await exportedIfAny(root, 'eventPayload')
  const openSeal = await exportedIfAny<(keys: string[]) => unknown>(root, 'openSeal')
  const seal = openSeal?.([String(process.env.SIGNALBOX_ENCRYPTION_KEY)])
  const disableGone = async () => undefined
  const note = await exportedIfAny<(tx: unknown, parts: Parts, results: unknown) => Promise<unknown[]>>(
    root,
    'noteResults',
  )
  const noteResults = async (tx: unknown, results: unknown) => {
    await note?.(tx, { clock, log }, results)
    return false
  }
  const parts = { payloadOf, disableGone, noteResults, seal, connections: await toLoopback(root) }
  return open({ database, clock, log, slots, tickMs: 60_000, leaseMs: 30_000, ...parts })
}

/** Opens the sending of signed requests alone, without a database. */
export async function openSending(root: string, url: string, secret: string) {
  const [openDispatcher, send, signedHeaders] = await Promise.all([
    exported<(connections: Parts) => { destroy(): Promise<void> }>(root, 'openDispatcher'),
    exported<(sending: Parts) => Promise<{ statusCode: number | null }>>(root, 'send'),
    exported<(signing: Parts) => Record<string, string>>(root, 'signedHeaders'),
  ])
  const dispatcher = openDispatcher(await toLoopback(root))
  return {
    async send(body: Buffer): Promise<number | null> {
      const id = randomUUID()
      const signing = { eventId: id, eventType: 'push', deliveryId: id, contentType: 'application/json', version: '0' }
      const headers = signedHeaders({ ...signing, body, secrets: [secret], at: new Date() })
      return (await send({ dispatcher, url, headers, body })).statusCode
    },
    close: () => dispatcher.destroy(),
  }
}

/** Lets deliveries reach the receivers of the benchmarks, in checkouts that would refuse them. */
async function toLoopback(root: string): Promise<Parts> {
  const addressGuard = await exportedIfAny<(allowed: string[]) => object>(root, 'addressGuard')
  return addressGuard ? { guard: addressGuard(['127.0.0.1']) } : {}
}

const sources = new Map<string, Map<string, string>>()

/** What the one source file of a checkout that exports this name exports, wherever the file is. */
async function exported<Export = unknown>(root: string, name: string): Promise<Export> {
  const found = await exportedIfAny<Export>(root, name)
  if (found === undefined) throw new Error(`bench/internals.ts: no file of ${root}/src exports "${name}".`)
  return found
}

async function exportedIfAny<Export>(root: string, name: string): Promise<Export | undefined> {
  const declaration = new RegExp(`^export (async )?(function|const|class) ${name}\\b`, 'm')
  const files = [...sourcesOf(root)].filter(([, text]) => declaration.test(text)).map(([path]) => path)
  if (files.length > 1) throw new Error(`bench/internals.ts: "${name}" is exported by ${files.join(', ')}.`)
  if (files[0] === undefined) return undefined
  const module = (await import(pathToFileURL(files[0]).href)) as Record<string, Export>
  return module[name]
}

function sourcesOf(root: string): Map<string, string> {
  const known = sources.get(root)
  if (known) return known
  const folder = join(root, 'src')
  // Not the commands, which have names of their own for some of it.
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('cli/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => join(folder, path))
  const found = new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))
  sources.set(root, found)
  return found
}
