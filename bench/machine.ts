// The machine a run is on: which core does what, who used how much of it, and what to write beside the results.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, loadavg, release, totalmem, type } from 'node:os'

/** Whether a program can be found. */
export const isInstalled = (program: string): boolean => {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const cores = availableParallelism()

/** Whether processes can be kept on cores of their own. */
export const CAN_PIN = cores >= 2 && isInstalled('taskset')

/** The core of the measured process. Everything else has the other ones: PostgreSQL, the load, the runner itself. */
export const MEASURED_CORE = '0'
const OTHER_CORES = cores === 2 ? '1' : `1-${cores - 1}`

/** Moves this process, and all it will start, off the measured core. */
export const leaveMeasuredCore = (): void => {
  if (CAN_PIN) execFileSync('taskset', ['-a', '-c', '-p', OTHER_CORES, String(process.pid)], { stdio: 'ignore' })
}

/** Moves this process onto the measured core, what it has started staying where it is: for a runner that is itself measured. */
export const takeMeasuredCore = (): void => {
  if (CAN_PIN) execFileSync('taskset', ['-a', '-c', '-p', MEASURED_CORE, String(process.pid)], { stdio: 'ignore' })
}

// Linux counts CPU time in hundredths of a second (USER_HZ) everywhere Node.js runs.
const TICK_US = 10_000
const stat = (pid: number): string[] | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold spaces and brackets: what comes behind the last bracket is numbers.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
const sum = (fields: string[] | null, from: number, to: number): number =>
  fields === null ? 0 : fields.slice(from, to).reduce((total, ticks) => total + Number(ticks) * TICK_US, 0)

/** CPU time a process has used, in microseconds, all its threads together; 0 where there is no /proc. */
export const cpuUs = (pid: number): number => sum(stat(pid), 11, 13)

/** The same of a process, the children it has, and those it had. */
export const cpuOfTreeUs = (pid: number): number => {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && stat(Number(name))?.[1] === String(pid))
  return sum(stat(pid), 11, 15) + children.reduce((total, child) => total + cpuUs(Number(child)), 0)
}

// user, nice, system, irq, softirq and steal of all cores; idle and iowait are not work.
const busyUs = (): number => {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/ +/).slice(1).map(Number) ?? []
  return [0, 1, 2, 5, 6, 7].reduce((total, i) => total + (fields[i] ?? 0) * TICK_US, 0)
}

/**
 * Begins to watch what is none of ours; asked, it gives the share of the machine (0 to 1) that others have used meanwhile.
 * `oursUs` is the CPU time of PostgreSQL, which is not below this process. Without /proc the share is 0.
 */
export const watchOthers = (oursUs: () => number): (() => number) => {
  if (!existsSync('/proc/stat')) return () => 0
  const count = () => ({ others: busyUs() - cpuOfTreeUs(process.pid) - oursUs(), at: performance.now() })
  const before = count()
  return () => {
    const now = count()
    return Math.max(0, now.others - before.others) / ((now.at - before.at) * 1000 * cores)
  }
}

/** The parent of a process of this machine, if that is the program it should be (a database may be in a container, with ids of its own). */
export const parentOf = (pid: number, program: string): number | undefined => {
  const parent = stat(pid)?.[1]
  if (parent === undefined) return undefined
  return readFileSync(`/proc/${parent}/comm`, 'utf8').startsWith(program) ? Number(parent) : undefined
}

/** Memory a process holds, in megabytes. */
export const residentMb = (pid: number): number => (Number(stat(pid)?.[21] ?? 0) * 4096) / 1024 ** 2

/** The one-minute load average. */
export const load = (): number => loadavg()[0] ?? 0

/** What to write beside results: enough to judge them by, nothing that names a host. */
export const describeMachine = (): string =>
  `${cores} core${cores === 1 ? '' : 's'}, ${Math.round(totalmem() / 1024 ** 3)} GB, ${type()} ${release().split('.').slice(0, 2).join('.')}, ` +
  `Node.js ${process.versions.node}; ` +
  (CAN_PIN
    ? `the measured process alone on core ${MEASURED_CORE}, everything else (load, PostgreSQL) on ${OTHER_CORES}`
    : 'nothing pinned to cores')
