// The processes of a run: started, replaced, and ended with whatever they leave.
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COMPILED } from '../process.ts'
import { until } from '../until.ts'
import type { Journal } from './journal.ts'
import type { NodeOptions } from './node.ts'
import type { TcpProxy } from './proxy.ts'
import { openProxy } from './proxy.ts'

/** One place for a process, with its own way to the database; the process in it changes. */
export type Place = {
  name: string
  role: NodeOptions['role']
  proxy: TcpProxy
  child: ChildProcess | null
  isReady: boolean
  /** Where it receives; null until it is ready, and for one that does not receive. */
  url: string | null
  /** Whether a fault is happening to it. */
  busy: boolean
}

/** All places, and how processes come and go. */
export type Nodes = {
  places: readonly Place[]
  /**
   * Resolves when every process is ready.
   * @throws Error with what they printed, when that takes too long.
   */
  ready(): Promise<void>
  /** Kills a process and leaves its place empty. */
  kill(place: Place): void
  start(place: Place): void
  /**
   * Asks a process to end and starts another beside it at once. Where `ask` is absent or resolves
   * with false, it is asked by a signal.
   */
  drain(place: Place, ask?: () => Promise<boolean>): void
  /** Asks all processes to end; returns what is wrong with how they and those before them ended. */
  stop(limitMs: number): Promise<string[]>
  /** Ends everything at once. */
  close(): Promise<void>
}

type Options = Omit<NodeOptions, 'role' | 'databaseUrl'> & {
  folder: string
  postgresUrl: string
  orchestrators: number
  log: Journal
}

const SCRIPT = fileURLToPath(new URL('node.ts', import.meta.url))
const CLOCK = new URL('clock.ts', import.meta.url).href
const FLAGS = ['--conditions=signalbox-source', '--disable-warning=ExperimentalWarning', `--import=${CLOCK}`]
// A service whose database is away at its start ends, and is started again by whatever runs it.
const START_AGAIN_MS = 500
const READY_MS = 300_000

/** Starts one receiver and some orchestrators. */
export async function openNodes(options: Options): Promise<Nodes> {
  const { folder, postgresUrl, orchestrators, log, ...shared } = options
  const running = new Set<ChildProcess>()
  const ending = new Set<ChildProcess>()
  const drained: Promise<string | null>[] = []
  const wrong: string[] = []
  let stopping = false

  const start = (place: Place): void => {
    const databaseUrl = Object.assign(new URL(postgresUrl), { port: String(place.proxy.port) }).href
    const child = launch(folder, place.name, { ...shared, role: place.role, databaseUrl })
    Object.assign(place, { child, isReady: false, url: null })
    running.add(child)
    child.once('message', ({ url }: { url: string | null }) => {
      if (place.child === child) Object.assign(place, { isReady: true, url })
    })
    child.once('exit', (code, signal) => {
      running.delete(child)
      log.write({ what: 'gone', pid: child.pid ?? 0 })
      if (ending.has(child)) return
      if (place.isReady) wrong.push(`${place.name} ended by itself with ${code ?? signal}`)
      setTimeout(() => place.child === child && !stopping && start(place), START_AGAIN_MS)
    })
  }
  const end = async ({ child, name, isReady }: Place, ask = async () => false): Promise<string | null> => {
    if (child === null || !running.has(child)) return null
    ending.add(child)
    const exited = once(child, 'exit')
    if (!(await ask())) child.kill('SIGTERM')
    const [code, signal] = await exited
    // Until it is ready the signal ends it as it ends every process.
    if (code === 0 || (signal === 'SIGTERM' && !isReady)) return null
    return `${name} was asked to end and ended with ${code ?? signal}`
  }
  const places: Place[] = []
  for (let i = 0; i <= orchestrators; i++) {
    const role = i === 0 ? 'receiver' : 'orchestrator'
    const proxy = await openProxy(() => Number(new URL(postgresUrl).port))
    const name = i === 0 ? role : `${role} ${i}`
    const place: Place = { name, role, proxy, child: null, isReady: false, url: null, busy: false }
    writeFileSync(logOf(folder, name), '')
    start(place)
    places.push(place)
  }
  return {
    places,
    start,
    async ready() {
      const logs = () => places.map(({ name }) => readFileSync(logOf(folder, name), 'utf8').slice(-2000))
      await until('the processes are ready', async () => places.every(({ isReady }) => isReady), READY_MS).catch(
        (error: Error) => {
          throw new Error([error.message, ...logs()].join('\n'))
        },
      )
    },
    kill({ child }) {
      if (child === null) return
      ending.add(child)
      child.kill('SIGKILL')
    },
    drain(place, ask) {
      drained.push(end(place, ask))
      start(place)
    },
    async stop(limitMs) {
      stopping = true
      const late = setTimeout(() => {
        for (const child of running) child.kill('SIGKILL')
      }, limitMs)
      const ends = await Promise.all([...drained, ...places.map((place) => end(place))])
      clearTimeout(late)
      return [...wrong, ...ends.filter((one) => one !== null)]
    },
    async close() {
      stopping = true
      for (const child of running) child.kill('SIGKILL')
      while (running.size > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      for (const { proxy } of places) await proxy.close()
    },
  }
}

/** Where all processes of a place print to. */
function logOf(folder: string, name: string): string {
  return `${folder}/${name}.log`
}

function launch(folder: string, name: string, options: NodeOptions): ChildProcess {
  const child = spawn(process.execPath, [...FLAGS, SCRIPT, JSON.stringify(options)], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      TMPDIR: folder,
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: COMPILED,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => appendFileSync(logOf(folder, name), chunk))
  }
  child.on('error', () => {})
  return child
}
