// The processes of a run that are still there.
import { spawnSync } from 'node:child_process'
import type { Stage } from './stage.ts'

/** Each has the folder of the run among its arguments. */
export function leftProcesses({ folder }: Pick<Stage, 'folder'>): string[] {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8' })
  const own = new RegExp(`(^|\\s)(ps|-A)\\s|${process.pid}`)
  return stdout.split('\n').filter((line) => line.includes(folder) && !line.includes('postgres') && !own.test(line))
}
