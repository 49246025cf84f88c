// One process of the service. Its parent can block its event loop; it records when that was
// blocked, for whatever reason.
import { flushCompileCache } from 'node:module'
import { openLog } from '../../src/lib/pino-log.ts'
import { monotonicMs, openJournal } from './journal.ts'
import type { ServiceOptions } from './service.ts'
import { openService } from './service.ts'

/** What a process is started with. */
export type NodeOptions = Omit<ServiceOptions, 'roles'> & { role: 'receiver' | 'orchestrator' }

const LOOK_EVERY_MS = 20

const { role, ...options } = JSON.parse(process.argv[2] ?? '') as NodeOptions
const { leaseMs } = options
const journal = openJournal(options.journal)

let looked = monotonicMs()
const looking = setInterval(() => {
  const at = looked
  looked = monotonicMs()
  if (looked - at > leaseMs / 4) journal.write({ at, what: 'stall', ms: looked - at })
}, LOOK_EVERY_MS)

process.on('message', ({ blockMs }: { blockMs?: number }) => {
  if (blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs)
})
process.channel?.ref()
// Nothing stays when the run itself is ended.
function onOrphaned(): never {
  process.exit(1)
}
process.once('disconnect', onOrphaned)

const roles = { receiver: role === 'receiver', orchestrator: role === 'orchestrator' }
const service = await openService({ ...options, roles }, { journal, log: openLog({ level: 'WARNING', pretty: false }) })
const terminated = new Promise((resolve) => process.once('SIGTERM', resolve))
// The next process starts sooner.
flushCompileCache()
process.send?.({ url: service.url })

await Promise.race([terminated, service.drained])
await service.close()
clearInterval(looking)
// What is left now keeps the process alive, and is found out by that.
process.off('disconnect', onOrphaned)
process.disconnect()
