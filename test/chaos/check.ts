// Says whether a run kept every promise: a program of its own, which reads the database, the
// senders' log and GitHub, and shares no code with the service.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { readDatabase, readLines } from './check/evidence.ts'
import { effectsOf, readGithub } from './check/github.ts'
import { judge } from './check/judge.ts'
import type { Entry } from './journal.ts'
import type { Sent } from './senders-log.ts'

const USAGE = `Usage: node test/chaos/check.ts --database URL --log FILE --github URL|FILE [options]

Says whether every acknowledged webhook is one event with exactly its jobs, every job has ended, every effect exists
exactly once at GitHub, and every event was delivered. The exit code is 1 when something is wrong.

Options:
  --database <url>     the PostgreSQL of the service
  --log <file>         what was sent, what was answered and what was received, one JSON object in each line
  --github <url|file>  the API, or a JSON file of what it answers: {"comments": […], "pulls": […]}
  --repository <name>  the repository that jobs write to (acme/shop)
  --token <token>      for the API
  --journal <file>     what agents recorded of their runs; without it fewer overlaps are found
  --lease-ms <n>       how long a lease lasts (2000)
  --json <file>        write what was found to this file too
  --help               print this

Example:
  node test/chaos/check.ts --database postgres://localhost/signalbox --log sent.jsonl --github http://127.0.0.1:4000
`

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    log: { type: 'string' },
    github: { type: 'string' },
    repository: { type: 'string', default: 'acme/shop' },
    token: { type: 'string', default: '' },
    journal: { type: 'string' },
    'lease-ms': { type: 'string', default: '2000' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const { database, log, github, journal, json, repository, token } = values
if (values.help) {
  console.log(USAGE)
  process.exit()
}
if (database === undefined || log === undefined || github === undefined) {
  console.error(`--database, --log and --github are needed.\n\n${USAGE}`)
  process.exit(2)
}
const client = new pg.Client(database)
await client.connect()
const rows = await readDatabase((text) => client.query(text))
await client.end()
const { problems, counts } = judge(
  {
    ...rows,
    effects: effectsOf(await readGithub(github, { repository, token })),
    log: readLines<Sent>(log),
    journal: journal === undefined ? null : readLines<Entry>(journal),
  },
  { leaseMs: Number(values['lease-ms']) },
)
if (json !== undefined) writeFileSync(json, JSON.stringify({ problems, counts }))
const width = Math.max(...Object.keys(counts).map((name) => name.length))
for (const [name, n] of Object.entries(counts)) console.log(`${name.padEnd(width)} ${n}`)
for (const { kind, what, job } of problems) console.log(`${kind}: ${what}${job ? ` (${job})` : ''}`)
console.log(`${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)
