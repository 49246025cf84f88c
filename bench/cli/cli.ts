// Starting the command line: whole processes, from their start to their end.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Checkout } from '../checkout.ts'
import { nameOf, openCheckouts, programOf, serve } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres } from '../database.ts'
import { cpuOfEndedChildrenUs, leaveMeasuredCore, load, takeMeasuredCore } from '../machine.ts'
import { readOptions } from '../options.ts'
import { patience } from '../patience.ts'
import { report } from '../report.ts'
import { runRounds } from '../rounds.ts'
import { median, ratiosTable, table, withRange } from '../statistics.ts'

type Contestant = { name: string; command: readonly string[]; env: Record<string, string> }
type Sample = { wallMs: number; cpuMs: number }

const COMMANDS = [['--help'], ['jobs', 'ls']]
const TOKEN = 'a-token-for-benchmarks-only'

const options = readOptions()
const rounds = options.rounds ?? (options.quick ? 2 : 10)
// CPU time is counted in steps of 10 ms: several runs are counted together.
const RUNS = options.quick ? 2 : 5
const run = promisify(execFile)

leaveMeasuredCore()
await using cleanup = openCleanup()
const checkouts = await openCheckouts(options.against, cleanup)
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
const perCheckout: Contestant[][] = []
for (const checkout of checkouts) perCheckout.push(await contestantsOf(checkout))
const [first = [], ...others] = perCheckout
const interleaved = first.flatMap((contestant, i) => [contestant, ...others.flatMap((more) => more[i] ?? [])])
const bare: Contestant = { name: 'node -e 0', command: [process.execPath, '-e', '0'], env: {} }
// The commands run where this process runs.
takeMeasuredCore()
const loadBefore = load()
const patient = patience({ attempts: options.attempts, oursUs: postgres.cpuUs })
const samples = await runRounds<Contestant, Sample>({
  contestants: [...interleaved, bare].filter(({ name }) => options.wants(name)),
  rounds,
  patient,
  measure,
  describe: ({ wallMs }) => `${wallMs.toFixed(0)} ms`,
})
await report('cli', {
  about: `${rounds} rounds of ${RUNS} runs each, from the start of the process to its end`,
  loadBefore,
  others: patient.describe(),
  tables: [resultsTable(), againstTable()],
  samples: Object.fromEntries(samples),
})

/**
 * Builds a checkout and starts its server; each command is measured from the sources and from the
 * build.
 */
async function contestantsOf(checkout: Checkout): Promise<Contestant[]> {
  execFileSync('npm', ['run', 'build'], { cwd: checkout.root, stdio: ['ignore', 'ignore', 'inherit'] })
  const { bin } = JSON.parse(await readFile(join(checkout.root, 'package.json'), 'utf8')) as {
    bin: { signalbox: string }
  }
  const env = { SIGNALBOX_API_TOKEN: TOKEN }
  const url = await postgres.fresh(`cli_${checkout.commit ?? 'ours'}`)
  const server = await serve(checkout, { cwd: folder, env: { ...env, DATABASE_URL: url }, measured: false })
  cleanup.defer(server.close)
  const ways = [
    { from: 'bin/signalbox', start: [programOf(checkout)] },
    { from: 'dist', start: [process.execPath, join(checkout.root, bin.signalbox)] },
  ]
  return ways.flatMap(({ from, start }) =>
    COMMANDS.map((args) => ({
      name: nameOf(checkout, `${from} ${args.join(' ')}`),
      command: [...start, ...args],
      env: { ...env, SIGNALBOX_URL: server.url },
    })),
  )
}

async function measure({ command, env }: Contestant): Promise<Sample> {
  const [program = '', ...args] = command
  const before = { cpuUs: cpuOfEndedChildrenUs(), at: performance.now() }
  const base = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_NO_WARNINGS: '1' }
  for (let i = 0; i < RUNS; i++) await run(program, args, { cwd: folder, env: { ...base, ...env } })
  return {
    wallMs: (performance.now() - before.at) / RUNS,
    cpuMs: (cpuOfEndedChildrenUs() - before.cpuUs) / RUNS / 1000,
  }
}

function resultsTable(): string {
  const rows = [...samples].map(([name, all]) => [
    name,
    withRange(all.map(({ wallMs }) => wallMs)),
    median(all.map(({ cpuMs }) => cpuMs)).toFixed(0),
  ])
  return table(['command', 'wall ms', 'CPU ms'], rows)
}

/** This checkout beside the commit it is compared with; below 1 is sooner. */
function againstTable(): string | null {
  const pairs = others.flatMap((more) => more.map(({ name }, i): [string, string] => [first[i]?.name ?? '', name]))
  return ratiosTable(samples, pairs, [
    { title: 'wall', of: ({ wallMs }) => wallMs },
    { title: 'CPU', of: ({ cpuMs }) => cpuMs },
  ])
}
