// What `/metrics` answers: what this process has counted, and what the tables say.
import { Gauge, Registry } from 'prom-client'
import type { ConnectionUse, Database, Sql } from '../db/database.ts'
import { errorText } from '../lib/error.ts'
import type { Log } from '../lib/log.ts'
import { VERSION } from '../lib/version.ts'
import { within } from '../lib/within.ts'
import { processMetrics } from './meter.ts'
import type { StoredGauge } from './stored.ts'
import { STORED } from './stored.ts'

/** The form of the answer, as Prometheus names it. */
export const EXPOSITION_TYPE = Registry.PROMETHEUS_CONTENT_TYPE

// Several Prometheus servers ask one after another. With half a million deliveries pending a look
// takes half a second: it is repeated so rarely that it takes a twentieth of the time at most.
const FRESH_MS = 5_000
const REST = 20
// Prometheus itself waits ten seconds by default.
const READ_MS = 5_000

/** What the answer is made of. */
export type ExpositionParts = {
  /** What this process counts. */
  registry: Registry
  /** Where the tables are read. */
  database: Database
  /** The connections of this process, by what they are for. */
  pools: Readonly<Record<string, { use(): ConnectionUse }>>
  log: Log
  now?: () => number
}

/** The text of all metrics. It never rejects: without the database its gauges are left out. */
export type Exposition = () => Promise<string>

/** Opens the metrics of a process; nothing is read before somebody asks. */
export function openExposition({ registry, pools, ...parts }: ExpositionParts): Exposition {
  addConnections(registry, pools)
  const version = gauge({ name: 'signalbox_build_info', help: 'The version that runs; always 1.' }, ['version'])
  version.set({ version: VERSION }, 1)
  registry.registerMetric(version)
  const read = storedGauges(parts)
  const ofProcess = processMetrics()
  return async () => {
    const { isUp, gauges: stored } = await read()
    const up = { name: 'signalbox_database_up', help: 'Whether the database answered just now.' }
    const gauges = [...stored, { ...up, values: [{ value: isUp ? 1 : 0 }] }]
    return Registry.merge([registry, registryOf(gauges), ofProcess]).metrics()
  }
}

type Stored = { isUp: boolean; gauges: StoredGauge[] }

/** The gauges of the tables, a few seconds old at most; without those that cannot be read. */
function storedGauges({ database, log, now = () => performance.now() }: Omit<ExpositionParts, 'registry' | 'pools'>) {
  let last: { until: number; stored: Stored } | undefined
  // One for all who ask meanwhile, so that they take one connection.
  let reading: Promise<Stored> | undefined

  async function readAll(): Promise<Stored> {
    const startedAt = now()
    const inTime = <T>(run: (sql: Sql) => Promise<T>): Promise<T> => {
      const answerMs = Math.max(1, startedAt + READ_MS - now())
      return within(answerMs, database.transaction(run, { answerMs }), 'The database did not answer in time.')
    }
    const gauges: StoredGauge[] = []
    let isUp = true
    for (const part of [ping, ...STORED]) {
      if (!isUp) break
      try {
        gauges.push(...(await inTime(part)))
      } catch (error) {
        isUp = part !== ping
        log.warn({ error: errorText(error), part: part.name }, 'metrics leave out what could not be read')
      }
    }
    const stored = { isUp, gauges }
    // What does not answer is asked again as usual: that it does so again must not stay unseen.
    last = { until: now() + Math.max(FRESH_MS, isUp ? REST * (now() - startedAt) : 0), stored }
    return stored
  }

  return async (): Promise<Stored> => {
    if (last !== undefined && now() < last.until) return last.stored
    reading ??= readAll().finally(() => {
      reading = undefined
    })
    return reading
  }
}

async function ping(sql: Sql): Promise<StoredGauge[]> {
  await sql.query('select 1')
  return []
}

function registryOf(gauges: readonly StoredGauge[]): Registry {
  const registry = new Registry()
  for (const { values, labelNames = [], ...about } of gauges) {
    const one = gauge(about, labelNames)
    for (const { labels = {}, value } of values) one.set(labels, value)
    registry.registerMetric(one)
  }
  return registry
}

function gauge({ name, help }: Pick<StoredGauge, 'name' | 'help'>, labelNames: string[]): Gauge {
  return new Gauge({ name, help, labelNames, registers: [] })
}

function addConnections(registry: Registry, pools: ExpositionParts['pools']): void {
  const all = Object.entries(pools)
  const connections = new Gauge({
    name: 'signalbox_database_connections',
    help: 'Connections of this process to the database, by what they are for.',
    labelNames: ['pool', 'state'] as const,
    registers: [registry],
    collect() {
      for (const [pool, { use }] of all) {
        const { open, idle } = use()
        this.set({ pool, state: 'idle' }, idle)
        this.set({ pool, state: 'used' }, open - idle)
      }
    },
  })
  const waiting = new Gauge({
    name: 'signalbox_database_statements_waiting',
    help: 'Statements of this process that wait for a connection, by what they are for.',
    labelNames: ['pool'] as const,
    registers: [registry],
    collect() {
      for (const [pool, { use }] of all) this.set({ pool }, use().waiting)
    },
  })
  void [connections, waiting]
}
