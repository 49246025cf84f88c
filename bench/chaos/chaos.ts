// Faults at random for minutes: processes, connections, clocks, GitHub and PostgreSQL fail while
// thousands of webhooks arrive. Prints what was counted; the exit code is 1 when something was lost
// or doubled.
import { parseArgs } from 'node:util'
import { ALL_FAULTS, chaos } from '../../test/chaos/chaos.ts'
import type { FaultName } from '../../test/chaos/faults.ts'

const USAGE = `Usage: bench/chaos/run [options]

Options:
  --webhooks <n>       how many are sent (20000)
  --rate <n>           how many a second (25)
  --orchestrators <n>  processes that run jobs (3)
  --lease-ms <n>       how long a job stays its worker's without a sign of life (2000)
  --pause-ms <n>       the mean pause before each fault (1200)
  --at-once <n>        faults at the same time (2)
  --times <n>          how often each fault happens (at random, until all webhooks are acknowledged)
  --faults <list>      ${ALL_FAULTS.join(',')} (all)
  --random <n>         repeats the choices of an earlier run
  --keep               leave the journal and the logs of the processes, and say where
  --help               print this
`

const { values } = parseArgs({
  options: {
    webhooks: { type: 'string', default: '20000' },
    rate: { type: 'string', default: '25' },
    orchestrators: { type: 'string', default: '3' },
    'lease-ms': { type: 'string', default: '2000' },
    'pause-ms': { type: 'string', default: '1200' },
    'at-once': { type: 'string', default: '2' },
    times: { type: 'string' },
    faults: { type: 'string', default: ALL_FAULTS.join(',') },
    random: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(USAGE)
  process.exit()
}
const faults = values.faults.split(',').filter((name) => name !== '') as FaultName[]
const unknown = faults.find((name) => !ALL_FAULTS.includes(name))
if (unknown) {
  console.error(`There is no fault called "${unknown}".\n\n${USAGE}`)
  process.exit(2)
}
const webhooks = Number(values.webhooks)
console.error(`random ${values.random}`)
const { problems, text } = await chaos({
  random: Number(values.random),
  webhooks,
  overMs: (webhooks / Number(values.rate)) * 1000,
  orchestrators: Number(values.orchestrators),
  leaseMs: Number(values['lease-ms']),
  faults,
  ...(values.times !== undefined && { times: Number(values.times) }),
  atOnce: Number(values['at-once']),
  pauseMs: Number(values['pause-ms']),
  endMs: 900_000,
  keep: values.keep,
  onProgress: console.error,
})
console.log(text)
// Connections that a fault left half open would keep this process for minutes.
process.exit(problems.length === 0 ? 0 : 1)
