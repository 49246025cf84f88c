// The queue's statements one by one, in states of the table in which they might be slow.
import { randomUUID } from 'node:crypto'
import type { Checkout } from '../checkout.ts'
import { nameOf, openCheckouts } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, openPool } from '../database.ts'
import type { Statements } from '../internals.ts'
import { openDatabase, openStatements } from '../internals.ts'
import { leaveMeasuredCore, load, takeMeasuredCore } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { median, ratios, table } from '../statistics.ts'
import type { JobsTable, State } from './states.ts'
import { openJobsTable, statesOf } from './states.ts'

/** Milliseconds of each statement, one number a round (the median of its samples in that round). */
type Cells = Record<(typeof STATEMENTS)[number], number[]>
type Subject = { name: string; checkout: Checkout; jobs: JobsTable; url: string }

const STATEMENTS = ['claim 1', 'claim 16', 'claim 200', 'renew 16', 'settle 16', 'nextDue'] as const
const LIMITS = [1, 16, 200] as const
// Due rows beside the ones a claim takes.
const BACKLOG = 400
// PostgreSQL plans a prepared statement anew five times, and then may keep a plan for good.
const WARM_UP = 6
// A cell that takes seconds is not sampled as often.
const CELL_LIMIT_MS = 10_000

const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 1 : 3)
const SAMPLES = options.quick ? 5 : 15
const sizes = options.quick
  ? { small: 6000, dead: [5000, 20_000], hot: 500, history: 50_000, waiting: 10_000 }
  : { small: 6000, dead: [50_000, 500_000], hot: 5000, history: 1_000_000, waiting: 100_000 }

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
// The client of the statements is this process.
takeMeasuredCore()
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: postgres.cpuUs })
const states = statesOf(sizes).map((group) => group.filter(({ name }) => options.wants(name)))
const cells = new Map<string, Cells>()
for (const group of states.filter((group) => group.length > 0)) await measureGroup(group)
await report('claims', {
  about:
    `Medians in ms of ${rounds} round${rounds === 1 ? '' : 's'} of ${SAMPLES} each, one client, ` +
    `${BACKLOG} jobs due; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), emptyTable(), againstTable()],
  samples: Object.fromEntries(cells),
})

/** The states of one group after another, all checkouts in each. */
async function measureGroup(group: readonly State[]): Promise<void> {
  await using closing = new AsyncDisposableStack()
  const subjects: Subject[] = []
  for (const checkout of checkouts) {
    const url = await postgres.fresh(`claims_${checkout.commit ?? 'ours'}`)
    await (await openDatabase(checkout.root, url, 1)).close()
    const jobs = await openJobsTable(openPool(url))
    closing.defer(jobs.close)
    subjects.push({ name: nameOf(checkout, 'Signalbox'), checkout, jobs, url })
  }
  for (const state of group) {
    for (const { jobs } of subjects) {
      await state.enter(jobs)
      await jobs.addDue(BACKLOG)
    }
    await postgres.checkpoint()
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? subjects : subjects.toReversed()
      for (const subject of order) await keep(state, subject, await patient.measure(() => measure(subject)))
      console.error(`round ${round + 1}/${rounds}  ${state.name}; ${patient.describe()}`)
    }
  }
}

/** Every statement, by a connection of its own that has not planned it in another state. */
async function measure({ checkout, jobs, url }: Subject): Promise<Cells> {
  const database = await openDatabase(checkout.root, url, 1)
  try {
    const statements = await openStatements(checkout.root, database)
    for (let i = 0; i < WARM_UP; i++) await once(statements, jobs, 1)
    const found = noCells()
    for (const limit of LIMITS) {
      const until = performance.now() + CELL_LIMIT_MS
      for (let i = 0; i < SAMPLES && performance.now() < until; i++) {
        const { claimMs, renewMs, settleMs, nextDueMs } = await once(statements, jobs, limit)
        found[`claim ${limit}`].push(claimMs)
        if (limit !== 16) continue
        found['renew 16'].push(renewMs)
        found['settle 16'].push(settleMs)
        found.nextDue.push(nextDueMs)
      }
    }
    return found
  } finally {
    await database.close()
  }
}

/** Adds as many due jobs as it takes, and takes and ends them. */
async function once(statements: Statements, jobs: JobsTable, limit: number) {
  const owner = randomUUID()
  await jobs.addDue(limit)
  const [claimMs, rows] = await timed(() => statements.claim(owner, limit))
  if (rows.length !== limit) throw new Error(`${rows.length} jobs were claimed, not ${limit}.`)
  const [nextDueMs] = await timed(statements.nextDue)
  const [renewMs] = await timed(() => statements.renew(owner, rows))
  const [settleMs] = await timed(() => statements.settle(owner, rows))
  return { claimMs, nextDueMs, renewMs, settleMs }
}

function noCells(): Cells {
  return { 'claim 1': [], 'claim 16': [], 'claim 200': [], 'renew 16': [], 'settle 16': [], nextDue: [] }
}

async function timed<Answer>(run: () => Promise<Answer>): Promise<[ms: number, answer: Answer]> {
  const start = performance.now()
  const answer = await run()
  return [performance.now() - start, answer]
}

function keep(state: State, { name }: Subject, round: Cells): void {
  const key = keyOf(name, state)
  const kept = cells.get(key) ?? noCells()
  for (const one of STATEMENTS) kept[one].push(median(round[one]))
  cells.set(key, kept)
}

function keyOf(name: string, state: State): string {
  return `${name}: ${state.name}`
}

function resultsTable(): string {
  const rows = [...cells].map(([key, found]) => [key, ...STATEMENTS.map((one) => median(found[one]).toFixed(2))])
  return table(['state of the jobs', ...STATEMENTS], rows)
}

/** Each state beside the empty table of the same checkout. */
function emptyTable(): string | null {
  const rows = checkouts.flatMap((checkout) => {
    const name = nameOf(checkout, 'Signalbox')
    const empty = cells.get(`${name}: empty`)
    if (!empty) return []
    return states.flat().flatMap((state) => {
      const found = cells.get(keyOf(name, state))
      if (!found || found === empty) return []
      return [[keyOf(name, state), ...STATEMENTS.map((one) => median(ratios(found[one], empty[one])).toFixed(2))]]
    })
  })
  return rows.length === 0 ? null : table(['ratio to empty', ...STATEMENTS], rows)
}

/** This checkout beside the commit it is compared with; below 1 is faster. */
function againstTable(): string | null {
  const [checkout, baseline] = checkouts
  if (!checkout || !baseline) return null
  const rows = states.flat().flatMap((state) => {
    const upper = cells.get(keyOf(nameOf(checkout, 'Signalbox'), state))
    const lower = cells.get(keyOf(nameOf(baseline, 'Signalbox'), state))
    if (!upper || !lower) return []
    return [[state.name, ...STATEMENTS.map((one) => median(ratios(upper[one], lower[one])).toFixed(2))]]
  })
  return table([`ratio to ${baseline.commit}`, ...STATEMENTS], rows)
}
