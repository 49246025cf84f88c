// The machine a run is on: its cores, who used how much of it, and how to describe it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, loadavg, release, totalmem, type } from 'node:os'

const cores = availableParallelism()
// Linux counts CPU time in hundredths of a second (USER_HZ) everywhere Node.js runs.
const TICK_US = 10_000

/** Whether processes can be kept on cores of their own. */
export const CAN_PIN = cores >= 2 && isInstalled('taskset')

/** The core of the measured process. PostgreSQL, the load and the runner have the other ones. */
export const MEASURED_CORE = '0'
const OTHER_CORES = cores === 2 ? '1' : `1-${cores - 1}`

/** Whether a program can be found. */
export function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Moves this process, and all it will start, off the measured core. */
export function leaveMeasuredCore(): void {
  if (CAN_PIN) execFileSync('taskset', ['-a', '-c', '-p', OTHER_CORES, String(process.pid)], { stdio: 'ignore' })
}

/**
 * Moves this process, but not what it has started, onto the measured core: for a runner that is
 * itself measured.
 */
export function takeMeasuredCore(): void {
  if (CAN_PIN) execFileSync('taskset', ['-a', '-c', '-p', MEASURED_CORE, String(process.pid)], { stdio: 'ignore' })
}

/**
 * CPU time a process has used, in microseconds, all its threads together; 0 where there is no
 * /proc.
 */
export function cpuUs(pid: number): number {
  return sum(stat(pid), 11, 13)
}

/** The same of a process, the children it has, and those it had. */
export function cpuOfTreeUs(pid: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && stat(Number(name))?.[1] === String(pid))
  return sum(stat(pid), 11, 15) + children.reduce((total, child) => total + cpuUs(Number(child)), 0)
}

/** CPU time of the children of this process that have ended, and of theirs. */
export function cpuOfEndedChildrenUs(): number {
  return sum(stat(process.pid), 13, 15)
}

/**
 * Begins to watch the other users of the machine. The returned function says which share of it (0
 * to 1) they have used meanwhile. `oursUs` is the CPU time of PostgreSQL, which is not below this
 * process. Without /proc the share is 0.
 */
export function watchOthers(oursUs: () => number): () => number {
  if (!existsSync('/proc/stat')) return () => 0
  const count = () => ({ others: busyUs() - cpuOfTreeUs(process.pid) - oursUs(), at: performance.now() })
  const before = count()
  return () => {
    const now = count()
    return Math.max(0, now.others - before.others) / ((now.at - before.at) * 1000 * cores)
  }
}

/**
 * The parent of a process of this machine, if that is the expected program. A database may be in a
 * container, with process ids of its own.
 */
export function parentOf(pid: number, program: string): number | undefined {
  const parent = stat(pid)?.[1]
  if (parent === undefined) return undefined
  return readFileSync(`/proc/${parent}/comm`, 'utf8').startsWith(program) ? Number(parent) : undefined
}

/** Resident memory of a process, in megabytes. */
export function residentMb(pid: number): number {
  return (Number(stat(pid)?.[21] ?? 0) * 4096) / 1024 ** 2
}

/** The one-minute load average. */
export function load(): number {
  return loadavg()[0] ?? 0
}

/** What to write beside results: enough to judge them by, nothing that names a host. */
export function describeMachine(isPinned = CAN_PIN): string {
  const system = `${type()} ${release().split('.').slice(0, 2).join('.')}, Node.js ${process.versions.node}`
  const machine = `${cores} core${cores === 1 ? '' : 's'}, ${Math.round(totalmem() / 1024 ** 3)} GB, ${system}`
  const pinned = `the measured process alone on core ${MEASURED_CORE}, everything else (load, PostgreSQL) on ${OTHER_CORES}`
  return `${machine}; ${isPinned ? pinned : 'nothing pinned to cores'}`
}

// The fields of /proc/<pid>/stat from the third on.
function stat(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may contain spaces and brackets: only numbers come after the last bracket.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

function sum(fields: string[] | null, from: number, to: number): number {
  return fields === null ? 0 : fields.slice(from, to).reduce((total, ticks) => total + Number(ticks) * TICK_US, 0)
}

// user, nice, system, irq, softirq and steal of all cores; idle and iowait are not work.
function busyUs(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/ +/).slice(1).map(Number) ?? []
  return [0, 1, 2, 5, 6, 7].reduce((total, i) => total + (fields[i] ?? 0) * TICK_US, 0)
}
