// What people look at, in a database of years: every list of the API with each of its filters, the
// pages of single things, and every list of the command line as a whole process.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { buildProgram } from '../../src/cli/program.ts'
import { migrate, ours, programOf, serve } from '../checkout.ts'
import { openCleanup } from '../cleanup.ts'
import { embeddedPostgres, firstRow, openPool } from '../database.ts'
import { leaveMeasuredCore, load, takeMeasuredCore } from '../machine.ts'
import { readOptions } from '../options.ts'
import { report } from '../report.ts'
import { quantile, table } from '../statistics.ts'
import { fill } from './filled.ts'

type Parameter = { name: string; in: string; schema?: { enum?: string[] } }
type Description = { paths: Record<string, { get?: { parameters?: Parameter[] } }> }

const TOKEN = 'a-token-for-benchmarks-only'
const LIMIT_MS = 150
const options = readOptions()
const SAMPLES = options.rounds ?? (options.quick ? 5 : 40)
const CLI_SAMPLES = Math.ceil(SAMPLES / 2)
const SIZES = options.quick
  ? { events: 10_000, jobs: 2000, deliveries: 5000 }
  : { events: 1_000_000, jobs: 200_000, deliveries: 500_000 }
const run = promisify(execFile)

leaveMeasuredCore()
await using cleanup = openCleanup()
const postgres = await embeddedPostgres()
cleanup.defer(postgres.close)
const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
cleanup.defer(() => rm(folder, { recursive: true, force: true }))
const url = await postgres.fresh('lists')
await migrate(ours, url)
const pool = openPool(url)
cleanup.defer(() => pool.end())
await fill(pool, SIZES)
const env = {
  DATABASE_URL: url,
  SIGNALBOX_API_TOKEN: TOKEN,
  SIGNALBOX_ENCRYPTION_KEY: Buffer.alloc(32, 'k').toString('base64'),
}
const server = await serve(ours, { cwd: folder, measured: false, env })
cleanup.defer(server.close)
const loadBefore = load()

const requests = new Map<string, number[]>()
for (const path of (await paths()).filter(options.wants)) {
  // The first one may read from the disk.
  await ask(path)
  requests.set(`GET ${path}`, [])
  for (let i = 0; i < SAMPLES; i++) requests.get(`GET ${path}`)?.push(await timed(() => ask(path)))
}
await run('npm', ['run', 'build'], { cwd: ours.root })
const commands = [...(await commandsByName())].filter(([name]) => options.wants(name))
// The commands run where this process runs. The first one compiles what the others find compiled.
takeMeasuredCore()
for (const [, command] of commands) await start(command)
const processes = new Map(commands.map(([name]): [string, number[]] => [name, []]))
// In turns, so that a slow minute is everybody's.
for (let i = 0; i < CLI_SAMPLES; i++) {
  for (const [name, command] of commands) processes.get(name)?.push(await timed(() => start(command)))
}
await report('lists', {
  about:
    `${SIZES.events} events, ${SIZES.jobs} jobs, ${SIZES.deliveries} deliveries; ${SAMPLES} requests each, one after the other, in ms; ` +
    `${CLI_SAMPLES} processes of each command, in turns; slower than ${LIMIT_MS} ms by their p95 are ${tooSlow(requests)} requests and ` +
    `${tooSlow(processes)} commands; PostgreSQL ${postgres.version} embedded`,
  loadBefore,
  tables: [resultsTable('request', requests), resultsTable('command', processes)],
  samples: Object.fromEntries([...requests, ...processes]),
})

type Samples = ReadonlyMap<string, number[]>

function tooSlow(samples: Samples): string {
  return `${[...samples.values()].filter((each) => quantile(each, 0.95) >= LIMIT_MS).length} of ${samples.size}`
}

/** The slowest first. */
function resultsTable(what: string, samples: Samples): string {
  const rows = [...samples].sort(([, a], [, b]) => quantile(b, 0.95) - quantile(a, 0.95))
  return table(
    [what, 'p50', 'p95', 'most'],
    rows.map(([name, each]) => [name, ...[0.5, 0.95, 1].map((share) => quantile(each, share).toFixed(0))]),
  )
}

/**
 * Every list that the command line says it has, from the checkout and from what is built of it;
 * what Node.js itself takes, and the program without a server.
 */
async function commandsByName(): Promise<Map<string, readonly string[]>> {
  const nowhere = { env: {}, fromEnvFile: new Set<string>(), folder, columns: undefined }
  const silent = { out: () => {}, err: () => {}, readInput: async () => '', paint: (_: string, text: string) => text }
  const program = await buildProgram({ ...nowhere, ...silent }, () => true)
  const ways: [string, string[]][] = [
    ['bin/signalbox', [programOf(ours)]],
    ['dist', [process.execPath, join(ours.root, 'dist/cli/signalbox.js')]],
  ]
  const named = ways.flatMap(([name, way]) =>
    [['--version'], ...listsUnder(program)].map((words) => [`${name} ${words.join(' ')}`, [...way, ...words]] as const),
  )
  return new Map([['node -e 0', [process.execPath, '-e', '0']], ...named])
}

/** The lists of a server, whole and with each status that they can be asked for. */
function listsUnder(command: Command, words: readonly string[] = []): string[][] {
  const below = command.commands.flatMap((each) => listsUnder(each, [...words, each.name()]))
  const has = (name: string) => command.options.some(({ long }) => long === name)
  const isList = ['ls', 'sources'].includes(command.name()) || has('--cursor')
  if (!isList || !has('--server')) return below
  const whole = [
    ...words,
    ...command.registeredArguments.filter(({ required }) => required).map((each) => exampleOf(each.name())),
  ]
  const statuses = command.options.find(({ long }) => long === '--status')?.argChoices ?? []
  return [...below, whole, ...statuses.map((status) => [...whole, '--status', status])]
}

function exampleOf(argument: string): string {
  if (argument === 'about') return 'acme/repository-7#7'
  throw new Error(`bench/lists: no example of <${argument}> is known.`)
}

async function start([program = '', ...args]: readonly string[]): Promise<void> {
  const base = { PATH: process.env.PATH, HOME: process.env.HOME, NODE_NO_WARNINGS: '1' }
  await run(program, args, { cwd: folder, env: { ...base, SIGNALBOX_URL: server.url, SIGNALBOX_API_TOKEN: TOKEN } })
}

/** Every GET that the API describes: bare, with each value of a filter, and of one thing each. */
async function paths(): Promise<string[]> {
  const description = (await (await ask('/api/openapi.json')).json()) as Description
  const ids = await examples()
  const found = Object.entries(description.paths).flatMap(([path, { get }]) => {
    if (get === undefined) return []
    const whole = `/api${path.replace(
      /^\/([a-z-]+)(.*)\{id\}/,
      (_, noun: string, rest: string) => `/${noun}${rest}${ids.get(noun) ?? 'none'}`,
    )}`
    if (/\{/.test(whole)) return []
    const filters = (get.parameters ?? []).flatMap((each) =>
      valuesOf(each).map((value) => `${whole}?${each.name}=${encodeURIComponent(value)}`),
    )
    return [whole, ...filters]
  })
  const answers = await Promise.all(
    ['/health', '/metrics', ...found].map(async (path) => ({ path, status: (await ask(path)).status })),
  )
  // What asks for a value that is not known here.
  return answers.filter(({ status }) => status === 200).map(({ path }) => path)
}

function valuesOf({ name, in: place, schema }: Parameter): string[] {
  if (place !== 'query' || name === 'wait') return []
  const known: Record<string, string[]> = {
    type: ['push', 'release.published', 'pull_request.*', 'never'],
    source: ['github', 'signalbox'],
    rule: ['rule-3', 'never'],
    agent: ['agent-3'],
    repository: ['acme/repository-7'],
    about: ['acme/repository-7#7', 'acme/repository-7'],
    limit: ['100'],
    after: ['0', 'now'],
    app_name: ['app-7'],
  }
  return schema?.enum ?? known[name] ?? []
}

/** One id for each noun of the API that has some. */
async function examples(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const noun of ['events', 'jobs', 'deliveries', 'deployments', 'endpoints', 'findings']) {
    const { id } = await firstRow<{ id: string }>(pool, `select id from signalbox.${noun} limit 1`)
    found.set(noun, id)
    if (noun === 'jobs') found.set('trace', id)
  }
  return found
}

async function ask(path: string): Promise<Response> {
  const answer = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } })
  return new Response(await answer.arrayBuffer(), { status: answer.status })
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await act()
  return performance.now() - begun
}
