// One run: webhooks arrive while processes, connections and PostgreSQL fail; then everything is
// counted.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Counts } from './check/judge.ts'
import type { Problem } from './check/problem.ts'
import type { Cancelled, FaultName, Happened } from './faults.ts'
import { disturb, FAULTS, retryCancelled, whileThereIsWork } from './faults.ts'
import { historyOf } from './history.ts'
import { monotonicMs } from './journal.ts'
import { leftProcesses } from './left-processes.ts'
import { openRandom } from './random.ts'
import { sendAll, webhooksOf } from './senders.ts'
import type { Stage } from './stage.ts'
import { openStage } from './stage.ts'

/** How to run. */
export type ChaosOptions = {
  /** Repeats the choices of a run; not its timing. */
  random: number
  webhooks: number
  /** In what time the webhooks arrive. */
  overMs: number
  orchestrators: number
  leaseMs: number
  faults: readonly FaultName[]
  /** How often each fault happens; at random until all webhooks are acknowledged if absent. */
  times?: number
  /** How many faults may happen at once. */
  atOnce: number
  /** The mean pause before a fault. */
  pauseMs: number
  /** What the work may take after the last fault. */
  endMs: number
  /** Leaves the folder with the journal and the logs where it is. */
  keep?: boolean
  /** Called now and then with how far it is. */
  onProgress?: (text: string) => void
}

/** What a run came to. `text` says all of it, and of the first problems how they came about. */
export type Report = { problems: Problem[]; counts: Counts; happened: Happened[]; text: string }

const CHECKER = fileURLToPath(new URL('check.ts', import.meta.url))
const HISTORIES = 4
const STOP_MS = 90_000

/** Runs once. */
export async function chaos(options: ChaosOptions): Promise<Report> {
  const { webhooks, leaseMs, orchestrators } = options
  const stage = await openStage({
    leaseMs,
    orchestrators,
    issues: Math.min(500, Math.max(10, webhooks / 20)),
    keep: options.keep,
  })
  try {
    return await play(stage, options)
  } finally {
    await stage.close()
  }
}

async function play(stage: Stage, options: ChaosOptions): Promise<Report> {
  const { faults, atOnce, pauseMs, onProgress } = options
  const random = openRandom(options.random)
  const happened: Happened[] = []
  const cancelled: Cancelled = new Map()
  const begunAt = monotonicMs()
  let sending = true
  const all = sendAll(stage, webhooksOf(stage, random, options)).finally(() => {
    sending = false
  })
  const progress = setInterval(async () => {
    const open = await unfinished(stage).catch(() => 'an unknown number of')
    onProgress?.(`${((monotonicMs() - begunAt) / 1000).toFixed(0)} s: ${happened.length} faults, ${open} jobs to do`)
  }, 5000)
  const shuffled = random.shuffle(Array.from({ length: options.times ?? 0 }, () => faults).flat())
  const given = whileThereIsWork(shuffled)
  const hasWork = async () => sending || (await unfinished(stage).catch(() => 1)) > 0
  const next =
    options.times === undefined
      ? endless(
          () => sending,
          () => random.pick(faults),
        )
      : given.values()
  const disturbed = Array.from({ length: atOnce }, () =>
    disturb({ stage, random, cancelled }, { faults: next, pauseMs, happened, begunAt, hasWork }),
  )
  try {
    await Promise.all([all, ...disturbed])
    const undisturbedAt = monotonicMs()
    const late = await settled(stage, cancelled, options.endMs)
    const tookMs = { all: monotonicMs() - begunAt, rest: monotonicMs() - undisturbedAt }
    const ends = await stage.nodes.stop(STOP_MS)
    const left = leftProcesses(stage).map((one) => `left behind: ${one}`)
    const { problems, counts } = await check(stage)
    problems.unshift(...[...late, ...ends, ...left].map((what) => ({ kind: 'process' as const, what })))
    const about = { ...counts, faults: happened.length, ...seconds(tookMs) }
    return {
      problems,
      counts: about,
      happened,
      text: await textOf(stage, options, { problems, about, happened, begunAt }),
    }
  } finally {
    clearInterval(progress)
  }
}

/** Has the program that judges say what it finds. */
async function check({ folder, postgres, github, token, repository, logPath, journalPath, leaseMs }: Stage) {
  const json = join(folder, 'checked.json')
  const given = { database: postgres.url, log: logPath, journal: journalPath, github: github.apiUrl, token, json }
  const options = { ...given, repository: repository.fullName, 'lease-ms': String(leaseMs) }
  const program = [CHECKER, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)]
  const failure = await new Promise<string>((resolve) => {
    execFile(process.execPath, program, { maxBuffer: 2 ** 30 }, (_, __, stderr) => resolve(stderr))
  })
  try {
    return JSON.parse(readFileSync(json, 'utf8')) as { problems: Problem[]; counts: Counts }
  } catch {
    throw new Error(`The checker failed: ${failure}`)
  }
}

/** Waits until every job has ended and every delivery is made; returns what is missing then. */
async function settled(stage: Stage, cancelled: Cancelled, limitMs: number): Promise<string[]> {
  const until = monotonicMs() + limitMs
  for (;;) {
    await retryCancelled(stage, cancelled)
    const jobs = await unfinished(stage)
    const deliveries = await count(stage, `signalbox.deliveries where status in ('pending', 'running')`)
    if (jobs + deliveries === 0) return []
    if (monotonicMs() > until) {
      return [`after ${limitMs} ms without faults ${jobs} jobs and ${deliveries} deliveries had not ended`]
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function unfinished(stage: Stage): Promise<number> {
  return count(stage, `signalbox.jobs where status in ('pending', 'running', 'waiting')`)
}

async function count({ database }: Stage, from: string): Promise<number> {
  const { rows } = await database.query<{ n: number }>(`select count(*)::int as n from ${from}`)
  return rows[0]?.n ?? -1
}

function* endless(goesOn: () => boolean, choose: () => FaultName): Generator<FaultName> {
  while (goesOn()) yield choose()
}

function seconds({ all, rest }: { all: number; rest: number }): Counts {
  return { 'seconds in all': Math.round(all / 1000), 'seconds after the last fault': Math.round(rest / 1000) }
}

async function textOf(
  stage: Stage,
  options: ChaosOptions,
  { problems, about, happened, begunAt }: { problems: Problem[]; about: Counts; happened: Happened[]; begunAt: number },
): Promise<string> {
  const width = Math.max(...Object.keys(about).map((name) => name.length))
  const histories: string[] = []
  const jobs = new Set(problems.flatMap(({ job }) => job ?? []))
  for (const job of [...jobs].slice(0, HISTORIES)) histories.push('', ...(await historyOf(stage, job, begunAt)))
  return [
    `random ${options.random}, ${options.orchestrators} orchestrators, a lease of ${options.leaseMs} ms`,
    ...(options.keep ? [`kept: ${stage.folder}`] : []),
    ...Object.entries(about).map(([name, n]) => `  ${name.padEnd(width)} ${n}`),
    '',
    ...happened.map(({ fromMs, toMs, what }) => `  ${fromMs.toFixed(0)}–${toMs.toFixed(0)} ms  ${what}`),
    '',
    `${problems.length} problems`,
    ...problems.map(({ kind, what, job }) => `  ${kind}: ${what}${job ? ` (${job})` : ''}`),
    ...histories,
  ].join('\n')
}

/** All faults. */
export const ALL_FAULTS = Object.keys(FAULTS) as FaultName[]
