// What a program may use of the machine, set by the shell that becomes the program.
import { z } from 'zod'

/** What one program may use. */
export type Limits = {
  /** Data of each of its processes, in MB. Default 4096. */
  memoryMb?: number
  /**
   * Processes and threads of the account that it runs as; in bubblewrap, where the service is not
   * root, of this program alone. Not set with `none`, where they would be the service's own.
   * Default 512.
   */
  processes?: number
  /** The largest file it may write, in MB. Default 1024. */
  fileMb?: number
  /** Files that each of its processes may have open. Default 4096. */
  openFiles?: number
  /** What it may print, and answer, before it is ended, in MB. Default 50. */
  outputMb?: number
}

function count(max: number) {
  return z.number().int().min(1).max(max).optional()
}

/** The schema of `Limits`. */
export const limitsSchema = z.strictObject({
  memoryMb: count(1_000_000),
  processes: count(1_000_000),
  fileMb: count(1_000_000),
  openFiles: count(1_000_000),
  outputMb: count(10_000),
})

const DEFAULTS: Required<Limits> = { memoryMb: 4096, processes: 512, fileMb: 1024, openFiles: 4096, outputMb: 50 }

/** The limits with their defaults. */
export function allLimits(limits: Limits = {}): Required<Limits> {
  return { ...DEFAULTS, ...limits }
}

/** Runs a program under these limits; with `processes` also under that one. */
export function limited(
  argv: readonly string[],
  limits: Required<Limits>,
  { processes }: { processes: boolean },
): readonly [string, ...string[]] {
  const { memoryMb, fileMb, openFiles } = limits
  // Not the address space (-v): Node.js and Go reserve far more of it than they use.
  const flags = ['-c 0', `-d ${memoryMb * 1024}`, `-f ${fileMb * 2048}`, `-n ${openFiles}`]
  // A limit that fails is one that the service itself has already, and lower.
  const lines = flags.map((flag) => `ulimit ${flag} 2>/dev/null`)
  // dash and BusyBox call -p what bash calls -u.
  if (processes) lines.push(`ulimit -u ${limits.processes} 2>/dev/null || ulimit -p ${limits.processes} 2>/dev/null`)
  return ['/bin/sh', '-c', [...lines, 'exec "$@"'].join('\n'), 'sh', ...argv]
}
